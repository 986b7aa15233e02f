/** The style of the page. Light and dark follow the system; every text has a contrast of at least 4.5 to 1. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #f4f6f8; --card: #ffffff; --line: #d9dde3; --text: #1b2330; --quiet: #566072;
  --track: #e4e8ee; --accent: #1f5fbf; --bad: #b3261e; --gap: #eceff3;
  --good-back: #e0f3e4; --good-text: #14532d; --busy-back: #e1ecfb; --busy-text: #123f7d;
  --warning-back: #fff0c9; --warning-text: #5f4300; --bad-back: #fde5e2; --bad-text: #8c1d18;
  --off-back: #e5e9ef; --off-text: #3a4453;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #12161d; --card: #1b212b; --line: #333c4a; --text: #e8ecf2; --quiet: #a4afbf;
    --track: #313a48; --accent: #7db1ff; --bad: #ff9a92; --gap: #262d38;
    --good-back: #12351f; --good-text: #a9e8bb; --busy-back: #14304f; --busy-text: #b9d7ff;
    --warning-back: #3d3010; --warning-text: #ffdf9a; --bad-back: #4d1c19; --bad-text: #ffc9c4;
    --off-back: #2a313d; --off-text: #d0d7e2;
  }
}
* { box-sizing: border-box; }
body { margin: 0; padding-bottom: 1rem; background: var(--page); color: var(--text); font: 15px/1.45 system-ui, sans-serif; }
header, main { max-width: 76rem; margin: 0 auto; padding: 1rem 1.25rem 0; }
header { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem 1rem; }
h1 { font-size: 1.3rem; margin: 0; overflow-wrap: anywhere; min-width: 0; }
h2 { font-size: 1rem; margin: 0 0 .5rem; }
button { font: inherit; color: var(--accent); background: transparent; border: 1px solid currentColor;
  border-radius: .4rem; padding: .15rem .7rem; cursor: pointer; white-space: nowrap; }
button:hover { background: var(--track); }
button[aria-disabled="true"] { color: var(--quiet); cursor: default; background: transparent; }
button.bad { color: var(--bad); }
header button { margin-left: auto; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
[hidden] { display: none !important; }

.condition { margin: 0 0 1rem; padding: .6rem .9rem; border-radius: .6rem; border-left: .4rem solid currentColor;
  background: var(--off-back); color: var(--off-text); }
.condition strong { font-size: 1.1rem; margin-right: .5rem; }
.condition strong::first-letter { text-transform: uppercase; }
.condition strong { display: inline-block; }
.condition.good { background: var(--good-back); color: var(--good-text); }
.condition.busy { background: var(--busy-back); color: var(--busy-text); }
.condition.warning { background: var(--warning-back); color: var(--warning-text); }
.condition.bad { background: var(--bad-back); color: var(--bad-text); }
.lost .figures, .stale .stored { opacity: .55; }
[data-pool="local"] .shared, [data-pool="shared"] .local { display: none; }
[data-pool="shared"] #now-section { grid-column: span 2; }
h2 .scope { font-weight: normal; color: var(--quiet); font-size: .9rem; }

section { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: .9rem 1rem; min-width: 0; }
.cards { display: grid; grid-template-columns: repeat(4, minmax(0, 1fr)); gap: 1rem; margin-bottom: 1rem; }
.columns { display: grid; grid-template-columns: minmax(0, 3fr) minmax(0, 2fr); gap: 1rem; margin-bottom: 1rem; align-items: start; }
#queue-section { grid-column: 2; }
.columns:has(#keys-section:not([hidden])) { grid-template-rows: auto 1fr; }
.columns:has(#keys-section:not([hidden])) #queue-section { grid-row: span 2; }
.wide { grid-column: span 2; }
.big { font-size: 1.45rem; font-variant-numeric: tabular-nums; line-height: 1.2; margin: 0 0 .4rem; }
.big small { font-size: .95rem; color: var(--quiet); }
.quiet { color: var(--quiet); font-size: .9rem; }
p.quiet { margin: .3rem 0 0; }
p:empty { display: none; }
#queue-note, #newest-note { margin: -.3rem 0 .5rem; }
progress { appearance: none; display: block; width: 100%; height: .55rem; border: 0; border-radius: .3rem; background: var(--track); overflow: hidden; }
progress::-webkit-progress-bar { background: var(--track); }
progress::-webkit-progress-value { background: var(--accent); }
progress::-moz-progress-bar { background: var(--accent); }
progress.full::-webkit-progress-value { background: var(--bad); }
progress.full::-moz-progress-bar { background: var(--bad); }
progress:indeterminate::-moz-progress-bar { background: var(--track); }

table { border-collapse: collapse; width: 100%; }
th, td { text-align: right; padding: .12rem 0 .12rem .8rem; font-weight: inherit; font-variant-numeric: tabular-nums; white-space: nowrap; }
th:first-child { text-align: left; padding-left: 0; }
thead th { color: var(--quiet); font-size: .85rem; }
#keys th:first-child { white-space: normal; overflow-wrap: anywhere; }
#keys tr > * { padding-top: .3rem; padding-bottom: .3rem; border-top: 1px solid var(--line); }
tr.alarm > * { color: var(--bad); font-weight: 600; }

.graph { margin: 0; }
.graph svg { display: block; width: 100%; height: 4.5rem; }
.graph .settled, .graph .refused { fill: none; stroke: var(--accent); stroke-width: 2; vector-effect: non-scaling-stroke; stroke-linejoin: round; stroke-linecap: round; }
.graph .refused { stroke: var(--bad); stroke-dasharray: 5 3; }
.graph rect { fill: var(--gap); }
.axis { display: flex; justify-content: space-between; gap: .8rem; border-top: 1px solid var(--line); padding-top: .2rem; }
.key::before { content: ""; display: inline-block; width: 1.1rem; border-top: 2px solid var(--accent); vertical-align: middle; margin-right: .4rem; }
.key.refused-key::before { border-top: 2px dashed var(--bad); }
.keys-of-graph { display: flex; flex-wrap: wrap; gap: .1rem 1rem; }

ul { list-style: none; margin: 0; padding: 0; }
li { display: grid; gap: .2rem 1rem; align-items: start; padding: .5rem 0; border-top: 1px solid var(--line);
  grid-template-columns: minmax(0, 4fr) minmax(0, 6fr) auto; }
li > * { min-width: 0; overflow-wrap: anywhere; }
li .label { font-weight: 600; display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 3; overflow: hidden; }
li progress { margin: .45rem 0 .3rem; }
li .act { min-width: 6.2rem; text-align: right; }
#queue li { grid-template-columns: 2.8rem minmax(0, 1fr) auto; }
#queue .turn:empty { display: none; }
#queue li:has(.turn:empty) { grid-template-columns: minmax(0, 1fr) auto; }
#queue .turn { font-variant-numeric: tabular-nums; white-space: nowrap; }
#failures li { grid-template-columns: minmax(0, 1fr) auto; }
#failures .error { grid-column: 1 / -1; }
#failures time { white-space: nowrap; }

dialog { color: inherit; background: var(--card); border: 1px solid var(--line); border-radius: .6rem; max-width: 26rem; }
dialog::backdrop { background: #0008; }
dialog p { margin: 0 0 1rem; }
.hidden-text { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }

@media (max-width: 60rem) {
  .cards { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .columns:has(#keys-section) { grid-template: none / minmax(0, 1fr); }
  .columns:has(#keys-section) #queue-section { grid-column: 1; grid-row: auto; }
}
@media (max-width: 34rem) {
  header, main { padding-left: .8rem; padding-right: .8rem; }
  .cards, .columns { gap: .7rem; }
  .cards, .columns { margin-bottom: .7rem; }
  section { padding: .7rem .8rem; }
  #running-list li { grid-template-columns: minmax(0, 1fr) auto; }
  #running-list .how { grid-row: 2; grid-column: 1 / -1; }
  .condition strong { display: block; }
}
`
