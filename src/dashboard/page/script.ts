/** The script of the page, for browsers. It writes data only as text: `textContent` and attributes, never markup. */
export const SCRIPT = `
'use strict'

const $ = (id) => document.getElementById(id)
const base = location.pathname.replace(/[/]+$/, '')
const buttons = document.body.dataset.buttons.split(' ')
const isShared = document.documentElement.dataset.pool === 'shared'

/** The same text is not written twice: a screen reader would read it again. */
const write = (element, text) => {
  if (element.textContent !== String(text)) element.textContent = text
}

const make = (tag, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), properties)
  element.append(...children)
  return element
}

const say = (text) => write($('said'), text)

const timeOf = (iso) => (iso === null ? '–' : new Date(iso).toLocaleTimeString())

/** What is not known is a dash, not a zero. */
const whole = (count) => count?.toLocaleString('en') ?? '–'

const joined = (...parts) => parts.filter((part) => part !== '').join(' · ')

/** Milliseconds, in the unit that a person would use. */
function duration(ms) {
  if (ms < 1000) return ms + ' ms'
  if (ms < 60000) return (ms / 1000).toFixed(1) + ' s'
  return (ms / 60000).toFixed(1) + ' min'
}

/** A list or table body whose rows stay the same elements as long as their items are in it, so that they keep the focus. */
class Rows {
  #rows = new Map()

  constructor(body, makeRow) {
    this.body = body
    this.makeRow = makeRow
  }

  show(items) {
    const old = this.#rows
    this.#rows = new Map()
    let next = this.body.firstElementChild
    for (const item of items) {
      const id = item.id ?? item.key
      const row = old.get(id) ?? this.makeRow(item)
      old.delete(id)
      this.#rows.set(id, row)
      row.update(item)
      if (row.element === next) next = next.nextElementSibling
      else this.body.insertBefore(row.element, next)
    }
    for (const { element } of old.values()) element.remove()
  }

  button(id) {
    return this.#rows.get(id)?.button
  }
}

const labelOf = ({ label, key }) =>
  make('span', {}, make('bdi', { className: 'label', textContent: label, title: label }),
    key === null ? '' : make('span', { className: 'quiet' }, 'key ', make('bdi', { textContent: key })))

function cancelButton({ id, label }) {
  const button = make('button', { type: 'button', textContent: 'Cancel', ariaLabel: 'Cancel ' + label })
  button.dataset.ticket = id
  button.hidden = !buttons.includes('cancel')
  button.addEventListener('click', () => cancel(button, id, label))
  return button
}

function showRequested(button, label) {
  if (button.ariaDisabled === 'true') return
  button.ariaDisabled = 'true'
  button.ariaLabel = 'Canceling ' + label
  button.textContent = 'Canceling'
}

const running = new Rows($('running-list'), (line) => {
  const bar = make('progress', { max: 1, ariaLabel: 'Progress of ' + line.label })
  const message = make('span', { className: 'quiet' })
  const button = cancelButton(line)
  const element = make('li', {}, labelOf(line), make('div', { className: 'how' }, bar, message),
    make('div', { className: 'act' }, button))
  return {
    element,
    button,
    update: ({ ratio, message: reported, startedAt, attempt, cancelRequested, label }) => {
      if (ratio === null) bar.removeAttribute('value')
      else bar.value = ratio
      bar.hidden = ratio === null
      write(message, joined(
        ratio === null ? 'no progress reported' : Math.floor(ratio * 100) + ' %',
        reported,
        attempt > 1 ? 'attempt ' + attempt : '',
        'since\u00a0' + timeOf(startedAt),
        cancelRequested ? 'cancel requested' : ''
      ))
      if (cancelRequested) showRequested(button, label)
    }
  }
})

const queued = new Rows($('queue'), (line) => {
  const turn = make('span', { className: 'turn quiet' })
  const button = cancelButton(line)
  const element = make('li', {}, turn, labelOf(line), make('div', { className: 'act' }, button))
  return {
    element,
    button,
    update: ({ position, attempt }) => {
      write(turn, position !== null ? whole(position) + '.' : attempt > 0 ? 'retry' : isShared ? '' : 'later')
    }
  }
})

const keys = new Rows($('keys'), ({ key }) => {
  const counts = [make('td'), make('td')]
  const element = make('tr', {}, make('th', { scope: 'row' }, make('bdi', { textContent: key })), ...counts)
  return {
    element,
    update: (line) => {
      write(counts[0], whole(line.running))
      write(counts[1], whole(line.queued))
    }
  }
})

const failures = new Rows($('failures'), (line) => ({
  element: make('li', {}, labelOf({ ...line, key: null }),
    make('time', { className: 'quiet', dateTime: line.settledAt, textContent: timeOf(line.settledAt) }),
    make('span', { className: 'error', textContent: line.code + ': ' + line.message })),
  update: () => {}
}))

async function post(path) {
  const response = await fetch(base + path, { method: 'POST' })
  return response.status
}

async function cancel(button, id, label) {
  if (button.ariaDisabled === 'true') return
  showRequested(button, label)
  const status = await post('/cancel?ticket=' + encodeURIComponent(id)).catch(() => 0)
  if (status === 200) return say('Canceled ' + label)
  if (status === 202) return say('Cancel requested: ' + label)
  if (status === 404 || status === 409) return say('Already ended: ' + label)
  button.ariaDisabled = null
  button.ariaLabel = 'Cancel ' + label
  button.textContent = 'Cancel'
  say('Could not be canceled: ' + label)
}

/** Figures change all the time and are not announced; a new state is. */
function showCondition(name, tone, detail) {
  const isNew = $('condition-name').textContent !== name
  $('condition').className = 'condition ' + tone
  write($('condition-name'), name)
  write($('condition-detail'), detail)
  if (isNew) say(name + ': ' + detail)
}

function fill(bar, text, count, bound) {
  write(text, bound === null ? whole(count) : whole(count) + ' of ' + whole(bound))
  bar.max = bound || 1
  bar.value = bound === null ? 0 : count
}

/** A line through the seconds that were measured; it has gaps where they have. */
function pathOf(values, top) {
  let isDrawing = false
  return values
    .map((value, second) => {
      if (value === null) {
        isDrawing = false
        return ''
      }
      const point = second + ' ' + (38 - (36 * value) / top).toFixed(2)
      const step = isDrawing ? 'L' + point + 'h1' : 'M' + point + 'h1'
      isDrawing = true
      return step
    })
    .join('')
}

function showRates({ mean, overSeconds, settled, refused }, totals) {
  write($('rate'), mean === null ? '–' : mean.settled.toFixed(1))
  write($('rate-over'), mean === null ? 'the first second is being measured'
    : overSeconds === 1 ? 'in the last second' : 'mean of the last ' + overSeconds + ' s')
  for (const name of ['succeeded', 'failed', 'canceled', 'refused']) {
    write($(name + '-rate'), mean === null ? '–' : mean[name].toFixed(1))
    write($(name), whole(totals[name]))
  }
  write($('accepted'), whole(totals.accepted))
  $('failed-row').className = mean !== null && mean.failed > 0 ? 'alarm' : ''
  $('refused-row').classList.toggle('alarm', mean !== null && mean.refused > 0)

  const top = Math.max(1, ...settled, ...refused)
  $('graph-settled').setAttribute('d', pathOf(settled, top))
  $('graph-refused').setAttribute('d', refused.some((value) => value > 0) ? pathOf(refused, top) : '')
  const missing = settled.filter((value) => value === null).length
  const leading = settled.findIndex((value) => value !== null)
  $('graph-gap').setAttribute('width', leading === -1 ? 60 : leading)
  write($('graph-top'), 'top of the scale: ' + Number(top.toFixed(1)))
  write($('graph-missing'), missing === 0 ? '' : 'no data for ' + missing + ' of 60 s')
  const drawn = isShared ? 'Settled tasks of this process' : 'Settled and refused tasks'
  write($('graph-text'), drawn + ' in each of the last 60 seconds, ' + missing + ' of them without data')
}

function showTimes(name, percentiles) {
  write($(name + '-p50'), percentiles === null ? '–' : duration(percentiles.p50))
  write($(name + '-p95'), percentiles === null ? '–' : duration(percentiles.p95))
}

function showLists({ running: all, queued: inQueue, delayed, runningTasks, queuedTasks, ...lists }) {
  const { queuedRead = Infinity, keys: keyLines = [] } = lists // absent of a shared pool
  const focused = document.activeElement?.dataset?.ticket
  running.show(runningTasks)
  queued.show(queuedTasks)
  keys.show(keyLines)
  failures.show(lists.failures)
  const waits = inQueue + delayed
  const isPartial = queuedRead < waits
  write($('more-running'), more(all, runningTasks.length, 'Nothing is running.'))
  write($('more-queued'), joined(
    more(waits, queuedTasks.length, 'Nothing is queued.'),
    isPartial ? 'found among the newest ' + whole(queuedRead) : ''
  ))
  $('queue-note').hidden = queuedTasks.every(({ position }) => position === null)
  $('keys-section').hidden = keyLines.length === 0
  write($('keys-note'), isPartial ? 'Counted among the newest ' + whole(queuedRead) + ' queued tasks.' : '')
  $('no-failures').hidden = lists.failures.length > 0
  // A row that is removed, or moves to the other list, must not take the keyboard's place with it.
  if (focused !== undefined && document.activeElement?.dataset?.ticket !== focused) {
    ;(running.button(focused) ?? queued.button(focused) ?? $('tasks-title')).focus()
  }
}

function more(all, shown, none) {
  if (all === 0) return none
  return all > shown ? 'and ' + whole(all - shown) + ' more' : ''
}

function showLocal({ running: all, queued: inQueue, stuck, condition, ...snapshot }) {
  fill($('running-bar'), $('running'), all, snapshot.concurrency)
  fill($('queued-bar'), $('queued'), inQueue, snapshot.queueCapacity)
  $('queued-bar').classList.toggle('full', condition.name.startsWith('full'))
  write($('stuck'), stuck === 0 ? '' : whole(stuck) + ' of them stuck')
  write($('oldest'), inQueue === 0 ? '' : 'oldest ' + duration(snapshot.oldestQueuedSeconds * 1000))
  write($('waiting'), whole(snapshot.waiting))
  showTimes('wait', snapshot.waitMs)
  showTimes('run', snapshot.runMs)
}

function showShared({ running: all, queued: inQueue, here, isStale }) {
  $('main').classList.toggle('stale', isStale)
  write($('running'), whole(all))
  write($('queued'), whole(inQueue))
  write($('here'), here.works ? whole(here.running) + ' of ' + whole(here.concurrency) + ' workers of this process'
    : 'this process runs no tasks')
}

function show(snapshot) {
  const { name, state, condition, totals } = snapshot
  document.title = condition.name + ' – ' + name
  write($('name'), name)
  showCondition(condition.name, condition.tone, condition.detail)
  $('stop').hidden = !buttons.includes('stop') || state === 'stopping' || state === 'stopped'
  ;(isShared ? showShared : showLocal)(snapshot)
  write($('delayed'), whole(snapshot.delayed))
  write($('stuck-count'), whole(snapshot.stuck))
  $('stuck-row').className = snapshot.stuck > 0 ? 'alarm' : ''
  write($('retained'), whole(snapshot.retained))
  showRates(snapshot.rates, totals)
  showLists(snapshot)
}

const RECONNECT_MS = 5000

function connect() {
  const source = new EventSource(base + '/events')
  source.addEventListener('message', ({ data }) => {
    const snapshot = JSON.parse(data)
    $('main').classList.remove('lost')
    show(snapshot)
    if (snapshot.state === 'stopped') source.close()
  })
  source.addEventListener('error', () => {
    if (!$('main').classList.contains('lost')) {
      $('main').classList.add('lost')
      showCondition('connection lost', 'warning', 'the figures are of ' + new Date().toLocaleTimeString() + ', trying again')
    }
    // The browser itself tries again after a broken connection, but not after a reply that is no stream.
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, RECONNECT_MS)
  })
}

$('stop').addEventListener('click', () => $('sure').showModal())
$('keep').addEventListener('click', () => $('sure').close())
$('stop-now').addEventListener('click', async () => {
  $('sure').close()
  const status = await post('/stop').catch(() => 0)
  if (status !== 202) say((isShared ? 'This process' : 'The server') + ' could not be asked to stop')
})

connect()
`
