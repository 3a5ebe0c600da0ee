// The demo's phone as a person uses it, in a real Chromium. PHONE_URL says where it is; it is a demo
// of its own, in which nothing was sent yet.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { assertAccessible, openWindow, shoot, withBrowser } from './lib.mjs';

const url = process.env.PHONE_URL;
assert.ok(url, 'PHONE_URL: where the phone is');
const photos = new URL('../../demo/photos/', import.meta.url);

// As a hand does it: a file comes over the page and is let go.
async function drop(page, name, type, bytes) {
  const files = await page.evaluateHandle(([name, type, base64]) => {
    const bytes = Uint8Array.from(atob(base64), (it) => it.charCodeAt(0));
    const held = new DataTransfer();
    held.items.add(new File([bytes], name, { type }));
    return held;
  }, [name, type, bytes.toString('base64')]);
  await page.dispatchEvent('.phone', 'dragover', { dataTransfer: files });
  await page.locator('#drop').waitFor();
  await page.dispatchEvent('.phone', 'drop', { dataTransfer: files });
}

const mine = (page, number) => page.locator(`#mine-${number}`);
const tick = (page, number, state) => mine(page, number).locator(`.tick.${state}`);
// Answers whose quotation shows a photo of that message.
const answers = (page, words) => page.locator('.from-them .words', { hasText: words });
const reading = (page) => page.locator('#ways details').first();

async function attach(page, words) {
  await page.getByRole('button', { name: 'Attach a photo or a PDF' }).click();
  await page.locator('#sheet').getByRole('button', { name: words }).click();
}

async function flip(page, name, position) {
  const lever = page.getByRole('switch', { name });
  await lever.click();
  await page.locator(`[role=switch][aria-checked=${position}]`, { hasText: name }).waitFor();
}

test('a sender’s story, with everything that can go wrong', () =>
  withBrowser(async (browser) => {
    const { page, close } = await openWindow(browser, url, { viewport: { width: 1280, height: 900 } });
    await page.getByText('or try one of these').waitFor();
    await page.locator('#inside').waitFor();
    await assertAccessible(page, 'the phone before anything was sent');
    await shoot(page, 'phone-empty');

    // A photo is dropped; its ticks turn blue, and the answer quotes it.
    await drop(page, 'cafe.jpg', 'image/jpeg', readFileSync(new URL('cafe.jpg', photos)));
    await page.getByText('typing…').waitFor();
    await page.locator('#typing').waitFor();
    await tick(page, 0, 'read').waitFor();
    await answers(page, '£22.40').waitFor();
    await page.locator('#typing').waitFor({ state: 'hidden' });
    const answer = page.locator('.from-them', { hasText: '£22.40' });
    assert.equal(await answer.locator('.quotation img').count(), 1);
    await reading(page).locator('li.done strong', { hasText: 'answer' }).waitFor();
    assert.equal(await reading(page).locator('li.done').count(), 5);

    // A button is pressed, and the amount corrected by a reply, with the keyboard.
    await answer.getByRole('button', { name: 'Something is wrong' }).click();
    await answers(page, 'Reply to this message with the amount').waitFor();
    assert.ok(await answer.getByRole('button', { name: 'That is right' }).isDisabled());
    await answer.getByRole('button', { name: 'Reply' }).focus();
    await page.keyboard.press('Enter');
    await page.keyboard.type('12.50');
    await page.keyboard.press('Enter');
    await answers(page, 'Corrected ✓ Amount: £12.50').waitFor();

    // The worker is killed: the photo is in custody, waits, and is answered once another is there.
    await flip(page, 'Kill worker', true);
    await attach(page, 'Fuel, Germany');
    await tick(page, 3, 'delivered').waitFor();
    await page.locator('#gauges .away', { hasText: 'worker' }).waitFor();
    await shoot(page, 'phone-worker-killed');
    await flip(page, 'Kill worker', false);
    await answers(page, '€80.43').waitFor();

    // Postgres is stopped: the webhook is answered 200 all the same, from the spool.
    await flip(page, 'Stop Postgres', true);
    await attach(page, 'Grocer, Czechia');
    await tick(page, 4, 'delivered').waitFor();
    await page.locator('#gauges .busy', { hasText: 'spool on disk' }).waitFor();
    await shoot(page, 'phone-postgres-stopped');
    await assertAccessible(page, 'the phone while Postgres is stopped');
    await flip(page, 'Stop Postgres', false);
    await answers(page, '335.46').waitFor();
    await tick(page, 4, 'read').waitFor();
    assert.match(await page.locator('#tally').innerText(), /3 photos sent.*3 in custody.*3 answered.*0 answered twice/s);
    await reading(page).locator('li.done strong', { hasText: 'answer' }).waitFor();
    await shoot(page, 'phone');

    // Meta's token expires: the number rests, and flows on when Meta takes the token again.
    await flip(page, 'Expire token', true);
    await attach(page, 'A cat');
    await page.locator('#wire .ill', { hasText: 'Meta' }).first().waitFor();
    await tick(page, 5, 'delivered').waitFor();
    await flip(page, 'Expire token', false);
    await answers(page, 'I see no receipt in it').waitFor();

    // A file that is none of those that can be sent.
    await drop(page, 'notes.txt', 'text/plain', Buffer.from('Dear diary'));
    await page.getByRole('alert').filter({ hasText: '“notes.txt” is neither a photo' }).waitFor();
    assert.equal(await mine(page, 6).count(), 0);
    await close();
  }));

test('another phone is another sender, and it works in the dark and on a narrow screen', () =>
  withBrowser(async (browser) => {
    const narrow = { viewport: { width: 390, height: 844 }, colorScheme: 'dark', hasTouch: true };
    const { page, close } = await openWindow(browser, `${url}/?phone=2`, narrow);
    await page.getByText('or try one of these').waitFor();
    await page.locator('#welcome').getByRole('button', { name: 'A cat' }).click();
    await answers(page, 'I see no receipt in it').waitFor();
    await tick(page, 0, 'read').waitFor();
    await assertAccessible(page, 'a narrow phone in the dark');
    await shoot(page, 'phone-narrow-dark');
    await close();
  }));

test('what a phone would not send as it is, is made smaller first', () =>
  withBrowser(async (browser) => {
    const { page, close } = await openWindow(browser, `${url}/?phone=3`);
    const webp = await page.evaluate(async () => {
      const photo = await createImageBitmap(await (await fetch('/api/samples/cafe.jpg')).blob());
      const canvas = document.createElement('canvas');
      [canvas.width, canvas.height] = [photo.width * 2, photo.height * 2];
      canvas.getContext('2d').drawImage(photo, 0, 0, canvas.width, canvas.height);
      const blob = await new Promise((made) => canvas.toBlob(made, 'image/webp', 0.9));
      return btoa(Array.from(new Uint8Array(await blob.arrayBuffer()), (it) => String.fromCharCode(it)).join(''));
    });
    await drop(page, 'cafe.webp', 'image/webp', Buffer.from(webp, 'base64'));
    await answers(page, '£22.40').waitFor();
    const size = await mine(page, 0).locator('img').first().evaluate((it) => [it.naturalWidth, it.naturalHeight]);
    assert.deepEqual(size, [1200, 1600]);
    await close();
  }));
