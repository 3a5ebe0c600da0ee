// Beside the phone: what its host tells of what happens behind it. Shows what it is told and knows
// none of it; where the host tells nothing, there is nothing beside the phone.
import { $, make } from './dom.js';

const MARKS = { done: '✓', running: '⋯', waiting: '⏳', skipped: '–', failed: '✗', open: '' };
const clock = (at) => new Date(at).toLocaleTimeString([], { hour12: false });
let absent = false;
const last = {};

export async function showInside(number, tally) {
  if (absent) return;
  const answer = await fetch(`/api/inside?phone=${encodeURIComponent(number)}`);
  absent = answer.status === 404;
  if (!answer.ok) return;
  const inside = await answer.json();
  $('inside').hidden = false;
  ifNew('switches', inside.switches, showSwitches);
  ifNew('gauges', inside.gauges, showGauges);
  ifNew('tally', tally, showTally);
  if (inside.ways.length) ifNew('ways', inside.ways, showWays);
  ifNew('wire', inside.wire, showWire);
}

function ifNew(part, told, show) {
  const text = JSON.stringify(told);
  if (last[part] === text) return;
  last[part] = text;
  show(told);
}

// A switch stays the same element: it may have the focus.
function showSwitches(switches) {
  for (const { name, label, words, on, busy } of switches) {
    const id = `switch-${name}`;
    const button = $(id) ?? addSwitch(id, name, label, words);
    button.setAttribute('aria-checked', String(on));
    button.setAttribute('aria-busy', String(busy));
  }
}

function addSwitch(id, name, label, words) {
  const button = make('button', 'switch', make('span', 'knob'), make('strong', '', label), make('small', '', words));
  button.id = id;
  button.type = 'button';
  button.setAttribute('role', 'switch');
  button.addEventListener('click', () => flip(button, name));
  $('switches').append(button);
  return button;
}

async function flip(button, name) {
  const on = button.getAttribute('aria-checked') !== 'true';
  button.setAttribute('aria-busy', 'true');
  const answer = await fetch(`/api/switches/${name}`, { method: 'POST', body: JSON.stringify({ on }) });
  delete last.switches;
  if (answer.ok) return;
  const told = await answer.json().catch(() => ({}));
  $('trouble').textContent = told.error ?? 'That could not be switched.';
  $('trouble').hidden = false;
}

function showGauges(gauges) {
  $('gauges').replaceChildren(...gauges.map(({ name, value, state }) =>
    make('li', state, make('span', '', name), make('strong', '', value))));
}

function showTally({ sent, taken, answered, twice }) {
  const count = (number, word) => make('span', '', make('strong', '', String(number)), ` ${word}`);
  $('tally').replaceChildren(
    count(sent, sent === 1 ? 'photo sent' : 'photos sent'), count(taken, 'in custody'),
    count(answered, 'answered'), count(twice, 'answered twice'));
}

// The newest is open, unless somebody chose otherwise.
const chosen = new Map();

function showWays(ways) {
  $('ways').replaceChildren(...ways.map(({ message, title, sent_at, steps, trace }, at) => {
    const when = make('time', '', clock(sent_at));
    const summary = make('summary', '', make('span', '', title, when), progress(steps));
    const list = make('ol', 'steps', ...steps.map(step));
    const details = make('details', '', summary, list);
    if (trace) details.append(make('p', 'trace', `trace ${trace}`));
    details.open = chosen.get(message) ?? at === 0;
    summary.addEventListener('click', () => chosen.set(message, !details.open));
    return details;
  }));
}

function progress(steps) {
  const dots = steps.map((it) => make('i', it.state));
  const bar = make('span', 'progress', ...dots);
  bar.setAttribute('aria-hidden', 'true');
  return bar;
}

function step({ name, state, at, words }) {
  const mark = make('span', `mark ${state}`, MARKS[state] ?? '');
  mark.setAttribute('aria-hidden', 'true');
  return make('li', state, mark, make('strong', '', name), make('span', 'at', at ?? ''), make('span', 'words', words));
}

function showWire(calls) {
  $('wire').replaceChildren(...calls.map(({ at, who, what, status }) => {
    const kind = status === null ? 'open' : status < 300 ? 'well' : 'ill';
    return make('tr', kind,
      make('td', 'at', clock(at)), make('td', '', who),
      make('td', 'what', what), make('td', 'answer', status === null ? '…' : String(status)));
  }));
}
