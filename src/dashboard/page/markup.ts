const ALL = ' <span class="scope shared">all processes</span>'
const HERE = ' <span class="scope shared">this process</span>'

/**
 * The body of the page without data. The script fills the elements that have an id. What has the class `shared` is only shown
 * of a pool that several processes share, what has the class `local` only of one of this process.
 * What has the class `stored` is read from the store of a shared pool.
 */
export const MARKUP = `
<header>
  <h1 id="name">Worker pool</h1>
  <button type="button" class="bad" id="stop" hidden>Stop <span class="local">the server</span><span class="shared">this process</span></button>
</header>
<main id="main">
  <p class="condition" id="condition"><strong id="condition-name">connecting</strong> <span id="condition-detail"></span></p>
  <div class="hidden-text" role="status" id="said"></div>
  <noscript><p class="condition warning">This page needs JavaScript.</p></noscript>
  <div class="figures">
    <div class="cards">
      <section class="stored" aria-labelledby="running-title">
        <h2 id="running-title">Running${ALL}</h2>
        <p class="big" id="running">–</p>
        <progress class="local" id="running-bar" max="1" value="0" aria-labelledby="running-title"></progress>
        <p class="quiet shared" id="here"></p>
        <p class="quiet" id="stuck"></p>
      </section>
      <section class="stored" aria-labelledby="queued-title">
        <h2 id="queued-title">Queued${ALL}</h2>
        <p class="big" id="queued">–</p>
        <progress class="local" id="queued-bar" max="1" value="0" aria-labelledby="queued-title"></progress>
        <p class="quiet" id="oldest"></p>
      </section>
      <section class="stored" aria-labelledby="now-title" id="now-section">
        <h2 id="now-title">Other counts${ALL}</h2>
        <table aria-labelledby="now-title">
          <tbody>
            <tr><th scope="row">Delayed</th><td id="delayed">–</td></tr>
            <tr class="local"><th scope="row">Waiting</th><td id="waiting">–</td></tr>
            <tr id="stuck-row"><th scope="row">Stuck<span class="shared"> in this process</span></th><td id="stuck-count">–</td></tr>
            <tr><th scope="row">Retained</th><td id="retained">–</td></tr>
          </tbody>
        </table>
      </section>
      <section class="local" aria-labelledby="times-title">
        <h2 id="times-title">Durations</h2>
        <table aria-labelledby="times-title">
          <thead><tr><th scope="col"><span class="hidden-text">Duration</span></th><th scope="col">p50</th><th scope="col">p95</th></tr></thead>
          <tbody>
            <tr><th scope="row">Wait</th><td id="wait-p50">–</td><td id="wait-p95">–</td></tr>
            <tr><th scope="row">Run</th><td id="run-p50">–</td><td id="run-p95">–</td></tr>
          </tbody>
        </table>
      </section>
      <section aria-labelledby="rate-title" class="wide">
        <h2 id="rate-title">Settled per second${HERE}</h2>
        <p class="big"><span id="rate">–</span> <small id="rate-over"></small></p>
        <figure class="graph">
          <svg viewBox="0 0 60 40" preserveAspectRatio="none" role="img" aria-labelledby="graph-text">
            <title id="graph-text"></title>
            <rect id="graph-gap" x="0" y="0" width="60" height="40"/>
            <path class="refused" id="graph-refused" d=""/>
            <path class="settled" id="graph-settled" d=""/>
          </svg>
          <div class="axis quiet"><span>60 s ago</span><span id="graph-top"></span><span>now</span></div>
          <div class="keys-of-graph quiet"><span class="key">settled</span><span class="key refused-key local">refused</span><span id="graph-missing"></span></div>
        </figure>
      </section>
      <section aria-labelledby="totals-title" class="wide">
        <h2 id="totals-title">Outcomes${HERE}</h2>
        <table aria-labelledby="totals-title">
          <thead><tr><th scope="col"><span class="hidden-text">Outcome</span></th><th scope="col">per second</th><th scope="col">total</th></tr></thead>
          <tbody>
            <tr><th scope="row">Succeeded</th><td id="succeeded-rate">–</td><td id="succeeded">–</td></tr>
            <tr id="failed-row"><th scope="row">Failed</th><td id="failed-rate">–</td><td id="failed">–</td></tr>
            <tr><th scope="row">Canceled</th><td id="canceled-rate">–</td><td id="canceled">–</td></tr>
            <tr class="local" id="refused-row"><th scope="row">Refused</th><td id="refused-rate">–</td><td id="refused">–</td></tr>
            <tr class="local"><th scope="row">Accepted</th><td></td><td id="accepted">–</td></tr>
          </tbody>
        </table>
      </section>
    </div>
    <div class="columns stored">
      <section aria-labelledby="tasks-title">
        <h2 id="tasks-title" tabindex="-1">Running tasks</h2>
        <ul id="running-list" role="list" aria-labelledby="tasks-title"></ul>
        <p class="quiet" id="more-running"></p>
      </section>
      <section aria-labelledby="queue-title" id="queue-section">
        <h2 id="queue-title"><span class="local">Next to run</span><span class="shared">Queued tasks</span></h2>
        <p class="quiet shared" id="newest-note">The newest first.</p>
        <p class="quiet" id="queue-note" hidden>By the number of starts up to its own, an estimate where keys take turns.</p>
        <ul id="queue" role="list" aria-labelledby="queue-title"></ul>
        <p class="quiet" id="more-queued"></p>
      </section>
      <section aria-labelledby="keys-title" id="keys-section" hidden>
        <h2 id="keys-title">Keys</h2>
        <table aria-labelledby="keys-title">
          <thead><tr><th scope="col">Key</th><th scope="col">running</th><th scope="col">queued</th></tr></thead>
          <tbody id="keys"></tbody>
        </table>
        <p class="quiet" id="keys-note"></p>
      </section>
    </div>
    <section class="stored" aria-labelledby="failures-title">
      <h2 id="failures-title">Recent failures</h2>
      <ul id="failures" role="list" aria-labelledby="failures-title"></ul>
      <p class="quiet" id="no-failures">None.</p>
    </section>
  </div>
</main>
<dialog id="sure" aria-labelledby="sure-text">
  <p id="sure-text"><span class="local">Stop the server? It accepts no more work, finishes what it has accepted as far as its grace allows, and then closes.</span><span class="shared">Stop this process? It takes no more tasks, and finishes those that it runs as far as its grace allows. Queued tasks stay for the other processes, which are not stopped.</span></p>
  <button type="button" class="bad" id="stop-now">Stop it</button>
  <button type="button" id="keep">Keep it running</button>
</dialog>`
