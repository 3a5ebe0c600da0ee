// The phone: shows what the server says of the chat, and sends what is picked, dropped or written.
// It asks again and again instead of holding a connection: there is nothing to reconnect.
import { $, make } from './dom.js';
import { showInside } from './inside.js';

const number = new URLSearchParams(location.search).get('phone') ?? '1';
const phone = `/api/phones/${encodeURIComponent(number)}`;
const LOOK_EVERY_MS = 300;
const MOST_BYTES = 16 * 1024 * 1024;
const PHOTO_BYTES = 5 * 1024 * 1024;
// What WhatsApp shrinks photos to.
const LONG_EDGE = 1600;

// ---- What is on the screen ----

const shown = new Map();
let quoted = null;
let unseen = 0;

function showChat(chat) {
  document.title = `${chat.owner.name}: a phone`;
  $('owner').textContent = `${chat.owner.name} · ${chat.owner.number}`;
  $('clock').textContent = time(new Date());
  $('another').href = `/?phone=${(Number(number) % chat.phones) + 1}`;
  $('presence').textContent = chat.typing ? 'typing…' : chat.business.number;
  $('typing').hidden = !chat.typing;
  $('welcome').hidden = chat.messages.length > 0;
  for (const message of chat.messages) {
    const told = JSON.stringify(message);
    const before = shown.get(message.id);
    if (before?.told === told) continue;
    const element = line(message);
    if (before) before.element.replaceWith(element);
    else $('messages').append(element);
    // What is sent from here is looked at, wherever one was.
    stuck ||= !before && message.mine;
    shown.set(message.id, { told, element, message });
  }
  toEnd();
  tellSeen(chat.messages);
}

// Meta is told that answers were read once they are on a screen that somebody looks at.
function tellSeen(messages) {
  const theirs = messages.filter((it) => !it.mine).length;
  if (theirs > unseen && document.visibilityState === 'visible') {
    unseen = theirs;
    post(`${phone}/seen`).catch(() => { unseen = 0; });
  }
}

function line(message) {
  const bubble = make('div', `bubble ${message.mine ? 'mine' : 'theirs'}`);
  if (message.quotes) bubble.append(quotation(message.quotes));
  if (message.kind === 'photo') bubble.append(picture(message));
  if (message.kind === 'document') bubble.append(paper(message));
  if (message.template) bubble.append(make('p', 'template', `template ${message.template}`));
  if (message.text) bubble.append(make('p', 'words', message.text));
  bubble.append(foot(message));
  const item = make('li', message.mine ? 'from-me' : 'from-them', bubble);
  item.id = message.id;
  item.append(replyButton(message));
  if (message.buttons?.length) item.append(choices(message));
  return item;
}

function quotation(quotes) {
  const words = make('span', '', make('strong', '', quotes.from), quotes.title);
  const button = make('button', 'quotation', words);
  button.type = 'button';
  if (quotes.photo) button.append(image(quotes.photo, ''));
  button.addEventListener('click', () => shown.get(quotes.id)?.element.scrollIntoView({ block: 'center' }));
  return button;
}

function picture(message) {
  const link = make('a', 'picture', image(message.media, `Photo: ${message.name}`));
  link.href = message.media;
  link.target = '_blank';
  link.rel = 'noopener';
  return link;
}

function paper(message) {
  const size = `${Math.max(1, Math.round(message.size_bytes / 1000))} kB`;
  return make('p', 'paper', '📄 ', make('strong', '', message.name), ` ${size}`);
}

function image(source, words) {
  const image = make('img', '');
  image.src = source;
  image.alt = words;
  image.addEventListener('load', toEnd);
  return image;
}

function foot(message) {
  const foot = make('span', 'foot', make('time', '', time(new Date(message.at))));
  if (message.mine) {
    const tick = $('ticks').content.firstElementChild.cloneNode(true);
    tick.classList.add(message.tick);
    tick.setAttribute('aria-label', { sent: 'sent', delivered: 'delivered', read: 'read' }[message.tick]);
    foot.append(tick);
  }
  return foot;
}

function replyButton(message) {
  const button = make('button', 'reply', '↩');
  button.type = 'button';
  button.setAttribute('aria-label', 'Reply');
  button.addEventListener('click', () => quote(message));
  return button;
}

function choices(message) {
  const all = message.buttons.map((choice) => {
    const button = make('button', 'choice', choice.title);
    button.type = 'button';
    button.disabled = Boolean(message.pressed);
    button.setAttribute('aria-pressed', String(message.pressed === choice.id));
    button.addEventListener('click', () => act(post(`${phone}/press`, { message: message.id, button: choice.id })));
    return button;
  });
  return make('div', 'choices', ...all);
}

const time = (date) => date.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });

// The newest message stays in view, unless somebody has scrolled back.
const scroll = $('scroll');
let stuck = true;
scroll.addEventListener('scroll', () => {
  stuck = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 60;
});
function toEnd() {
  if (stuck) scroll.scrollTop = scroll.scrollHeight;
}

// ---- What is sent ----

async function post(path, body) {
  const file = body instanceof Blob;
  const answer = await fetch(path, { method: 'POST', body: file ? body : JSON.stringify(body ?? {}) });
  if (answer.ok) return;
  const told = await answer.json().catch(() => ({}));
  throw new Error(told.error ?? `The demo answered ${answer.status}.`);
}

// Does it, and says so where it cannot be done.
async function act(doing) {
  try {
    await doing;
    $('trouble').hidden = true;
  } catch (error) {
    trouble(error instanceof TypeError ? 'The demo does not answer. Was it ended?' : error.message);
  }
  await look();
}

function trouble(words) {
  $('trouble').textContent = words;
  $('trouble').hidden = false;
}

const quoting = () => {
  const id = quoted?.id ?? '';
  quote(null);
  return id;
};

async function sendFile(file) {
  const body = await asPhoneSends(file);
  if (body.size > MOST_BYTES) throw new Error('The demo takes files of up to 16 MB. Choose a smaller one.');
  const words = new URLSearchParams({ name: file.name, caption: caption(), quoting: quoting() });
  await post(`${phone}/photo?${words}`, body);
}

// A phone shrinks what is too large for WhatsApp, and sends JPEG or PNG only.
async function asPhoneSends(file) {
  const isPlain = ['image/jpeg', 'image/png'].includes(file.type) && file.size <= PHOTO_BYTES;
  if (isPlain || !file.type.startsWith('image/') || file.size === 0) return file;
  const bitmap = await createImageBitmap(file).catch(() => null);
  if (!bitmap) return file;
  const scale = Math.min(1, LONG_EDGE / Math.max(bitmap.width, bitmap.height));
  const canvas = make('canvas', '');
  canvas.width = Math.round(bitmap.width * scale);
  canvas.height = Math.round(bitmap.height * scale);
  canvas.getContext('2d').drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob((blob) => resolve(blob ?? file), 'image/jpeg', 0.85));
}

function caption() {
  const words = $('text').value.trim();
  $('text').value = '';
  return words;
}

async function sendFiles(files) {
  closeSheet();
  for (const file of files) await act(sendFile(file));
}

async function sendSample(name) {
  closeSheet();
  const words = new URLSearchParams({ caption: caption(), quoting: quoting() });
  await act(post(`${phone}/sample/${name}?${words}`));
}

function quote(message) {
  quoted = message;
  $('quote').hidden = !message;
  if (!message) return;
  $('quote-from').textContent = message.mine ? 'You' : 'Receipts';
  $('quote-title').textContent = message.text?.split('\n')[0] ?? message.name ?? 'Photo';
  $('text').focus();
}

function closeSheet() {
  $('sheet').hidden = true;
  $('attach').setAttribute('aria-expanded', 'false');
}

async function offerSamples() {
  const samples = await (await fetch('/api/samples')).json();
  for (const place of document.querySelectorAll('.samples')) {
    for (const { name, words } of samples) {
      const button = make('button', 'sample', image(`/api/samples/${name}`, ''), make('span', '', words));
      button.type = 'button';
      button.addEventListener('click', () => sendSample(name));
      place.append(button);
    }
  }
}

function listen() {
  $('composer').addEventListener('submit', (event) => {
    event.preventDefault();
    const text = caption();
    if (text) act(post(`${phone}/text`, { text, quoting: quoting() }));
  });
  $('unquote').addEventListener('click', () => quote(null));
  $('attach').addEventListener('click', () => {
    $('sheet').hidden = !$('sheet').hidden;
    $('attach').setAttribute('aria-expanded', String(!$('sheet').hidden));
  });
  $('browse').addEventListener('click', () => $('file').click());
  $('file').addEventListener('change', () => {
    sendFiles([...$('file').files]);
    $('file').value = '';
  });
  document.addEventListener('keydown', (event) => { if (event.key === 'Escape') closeSheet(); });
  document.addEventListener('paste', (event) => {
    if (event.clipboardData.files.length) sendFiles([...event.clipboardData.files]);
  });
  // Anywhere on the page: a file that misses the phone must not replace the page.
  document.addEventListener('dragover', (event) => {
    event.preventDefault();
    $('drop').hidden = false;
  });
  document.addEventListener('dragleave', (event) => { if (!event.relatedTarget) $('drop').hidden = true; });
  document.addEventListener('drop', (event) => {
    event.preventDefault();
    $('drop').hidden = true;
    sendFiles([...event.dataTransfer.files]);
  });
}

// ---- Again and again ----

let looking = null;

// One look at a time; whoever asks meanwhile gets the one that runs.
function look() {
  looking ??= lookOnce().finally(() => { looking = null; });
  return looking;
}

async function lookOnce() {
  const answer = await fetch(phone);
  const chat = await answer.json();
  if (!answer.ok) return trouble(chat.error);
  showChat(chat);
  await showInside(number, chat.tally);
}

async function keepLooking() {
  let pause = LOOK_EVERY_MS;
  try {
    await look();
    if (document.body.classList.contains('gone')) $('trouble').hidden = true;
    document.body.classList.remove('gone');
  } catch {
    document.body.classList.add('gone');
    trouble('The demo does not answer. Was it ended?');
    pause = 2000;
  }
  setTimeout(keepLooking, pause);
}

listen();
offerSamples();
keepLooking();
