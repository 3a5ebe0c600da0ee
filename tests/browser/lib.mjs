// A real headless Chromium for one test: opened, watched for what must not happen, photographed,
// and held against axe. It knows no page of ours, and retries nothing.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import axe from 'axe-core';
import { chromium } from 'playwright-core';

// Debian, Ubuntu, Fedora, macOS. CHROMIUM names another one.
const PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

// How long anything may take until the test gives up: photos are read slowly on a busy machine.
export const PATIENCE_MS = 120_000;

// Runs `act` with a browser, and closes it whatever happens. Whoever wants two windows that share
// nothing opens two contexts.
export async function withBrowser(act) {
  const executablePath = process.env.CHROMIUM ?? PLACES.find(existsSync);
  assert.ok(executablePath, 'no Chromium: run scripts/browser.sh, or name one in CHROMIUM');
  // Chromium's own sandbox does not work for root in a container; the pages are our own.
  const args = process.getuid() === 0 ? ['--no-sandbox'] : [];
  const browser = await chromium.launch({ executablePath, args });
  try {
    return await act(browser);
  } finally {
    await browser.close();
  }
}

// A window of its own on `url`. What must not happen in it is gathered, and judged by `close`:
// errors of scripts, anything that the content security policy refused, requests to elsewhere.
export async function openWindow(browser, url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  const wrong = [];
  page.on('pageerror', (error) => wrong.push(`error: ${error.message}`));
  page.on('console', (said) => {
    if (/content security policy/i.test(said.text())) wrong.push(said.text());
  });
  const { host } = new URL(url);
  page.on('request', (request) => {
    const to = new URL(request.url());
    if (/^(http|ws)/.test(to.protocol) && to.host !== host) wrong.push(`asked ${to.host}`);
  });
  await page.goto(url);
  const close = async () => {
    await context.close();
    assert.deepEqual(wrong, []);
  };
  return { page, close };
}

// Keeps a picture of the page as an artefact: BROWSER_SHOTS, or target/browser.
export async function shoot(page, name, options = {}) {
  const folder = process.env.BROWSER_SHOTS ?? new URL('../../target/browser', import.meta.url).pathname;
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${name}.png`);
  await page.screenshot({ path, animations: 'disabled', ...options });
  console.log(`screenshot: ${path}`);
}

// Fails where axe finds something serious or critical, by WCAG 2.2 AA and its best practices.
export async function assertAccessible(page, where) {
  await page.evaluate(axe.source);
  const found = await page.evaluate(() => globalThis.axe.run(document));
  const grave = found.violations.filter((it) => ['serious', 'critical'].includes(it.impact));
  const told = grave.map((it) => `${it.id}: ${it.help}\n  ${it.nodes.map((n) => n.html).join('\n  ')}`);
  assert.equal(grave.length, 0, `${where}:\n${told.join('\n')}`);
  console.log(`axe: ${where}: ${found.passes.length} rules pass, nothing serious`);
}
