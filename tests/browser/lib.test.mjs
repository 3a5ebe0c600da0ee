// The watch that every script keeps is awake: what must not happen in a page is noticed.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import test from 'node:test';
import { assertAccessible, openWindow, withBrowser } from './lib.mjs';

const head = '<!doctype html><html lang="en"><title>A page</title><main><h1>A page</h1>';

async function servedAs(html, headers, act) {
  const server = createServer((_, answer) => answer.writeHead(200, headers).end(head + html));
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  try {
    const url = `http://127.0.0.1:${server.address().port}/`;
    return await withBrowser((browser) => act(browser, url));
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const html = { 'content-type': 'text/html' };

test('a plain page passes', () =>
  servedAs('<p>Well.</p>', html, async (browser, url) => {
    const window = await openWindow(browser, url);
    await assertAccessible(window.page, 'a plain page');
    await window.close();
  }));

test('a button without a name is a serious fault', () =>
  servedAs('<button></button>', html, async (browser, url) => {
    const window = await openWindow(browser, url);
    await assert.rejects(assertAccessible(window.page, 'a nameless button'), /button-name/);
    await window.close();
  }));

test('a script that the policy refuses, one that fails, and a call elsewhere are noticed', () =>
  servedAs(
    '<script src="/none.js"></script><img alt="" src="http://127.0.0.1:9/elsewhere.png">',
    { ...html, 'content-security-policy': "script-src 'none'" },
    async (browser, url) => {
      const window = await openWindow(browser, url);
      const failed = window.page.waitForEvent('pageerror');
      await window.page.evaluate(() => setTimeout(() => { throw new Error('on purpose'); }));
      await failed;
      await assert.rejects(window.close(), (error) => {
        const told = error.actual.join('\n');
        return /Content Security Policy/.test(told) && /on purpose/.test(told) && /127.0.0.1:9/.test(told);
      });
    },
  ));
