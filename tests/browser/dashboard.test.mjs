// The dashboard as its operators use it: signed in by keyboard, an entry corrected beside its photo, a
// dead job found, previewed and tried again, on a phone and in the dark. DASHBOARD is its address,
// PASSWORD what it asks for; there is one booked entry, and one dead job.
import assert from 'node:assert/strict';
import test from 'node:test';
import { assertAccessible, openWindow, shoot, withBrowser } from './lib.mjs';

const { DASHBOARD, PASSWORD } = process.env;
const PAGES = ['/', '/queue', '/messages', '/messages/1', '/entries', '/entries/1', '/dead', '/numbers', '/audit'];

// By the keyboard alone: the password has the focus already.
async function signIn(page) {
  await page.waitForURL(/\/login$/);
  await page.keyboard.type(PASSWORD);
  await page.keyboard.press('Enter');
  await page.waitForURL((url) => url.pathname === '/');
}

async function visit(page, place) {
  await page.goto(new URL(place, DASHBOARD).href);
  const fits = await page.evaluate(
    () => document.documentElement.scrollWidth <= document.documentElement.clientWidth,
  );
  assert.ok(fits, `${place} is no wider than the window`);
}

const named = (kind, place) => `dashboard${kind}${place === '/' ? '-overview' : place.replaceAll('/', '-')}`;

test('an operator at a desk', () =>
  withBrowser(async (browser) => {
    const window = await openWindow(browser, DASHBOARD);
    const { page } = window;
    await assertAccessible(page, 'sign in');
    await shoot(page, 'dashboard-sign-in');
    await page.keyboard.type('a wrong password');
    await page.keyboard.press('Enter');
    await page.getByText('That is not the password.').waitFor();
    await signIn(page);

    // An entry is corrected.
    await page.getByRole('link', { name: 'Entries', exact: true }).click();
    await page.getByRole('link', { name: '#1', exact: true }).click();
    await page.waitForFunction(() => document.querySelector('.photo img').naturalWidth > 0);
    await shoot(page, 'dashboard-entry');
    await page.getByLabel('Total, with its currency').fill('23,40 GBP');
    await page.getByLabel('Category').selectOption('office');
    await page.getByRole('button', { name: 'Correct', exact: true }).click();
    await page.getByText('Corrected. What it was before is kept below.').waitFor();
    const changes = await page.getByRole('region', { name: 'Changes' }).innerText();
    assert.match(changes, /22\.40 GBP\s+23\.40 GBP/);
    await page.getByRole('button', { name: 'It is right' }).click();
    await page.getByText('Confirmed.', { exact: true }).waitFor();
    await shoot(page, 'dashboard-corrected', { fullPage: true });

    // A dead job is found, previewed, and tried again.
    await page.getByRole('link', { name: 'Overview' }).click();
    await page.getByRole('link', { name: 'Dead', exact: true }).click();
    await shoot(page, 'dashboard-dead-job');
    await page.getByRole('button', { name: 'All like this…' }).click();
    await page.getByText('dead in the queue').waitFor();
    await assertAccessible(page, 'preview');
    await shoot(page, 'dashboard-preview');
    await page.getByRole('button', { name: 'Retry 1', exact: true }).click();
    await page.getByText('1 job is ready again.').waitFor();

    // What was done is written down.
    await page.getByRole('link', { name: 'Audit' }).click();
    const audit = await page.getByRole('region', { name: 'Audit log' }).innerText();
    for (const act of ['sign in refused', 'sign in', 'correct entry', 'confirm entry', 'retry jobs']) {
      assert.ok(audit.includes(act), `${act} is in the audit log`);
    }

    for (const place of PAGES) {
      await visit(page, place);
      await assertAccessible(page, place);
      await shoot(page, named('', place), { fullPage: true });
    }
    await window.close();
  }));

test('a phone, in the dark', () =>
  withBrowser(async (browser) => {
    const phone = { viewport: { width: 360, height: 740 }, colorScheme: 'dark', hasTouch: true };
    const window = await openWindow(browser, DASHBOARD, phone);
    const { page } = window;
    await signIn(page);
    for (const place of PAGES) {
      await visit(page, place);
      await assertAccessible(page, `${place} on a phone, dark`);
      await shoot(page, named('-phone', place), { fullPage: true });
    }
    await window.close();
  }));

test('the numbers move without a reload, and stand still when told to', () =>
  withBrowser(async (browser) => {
    const window = await openWindow(browser, DASHBOARD);
    const other = await openWindow(browser, DASHBOARD);
    await signIn(window.page);
    await signIn(other.page);
    await visit(window.page, '/queue');
    await window.page.evaluate(() => { globalThis.stays = true; });

    await visit(other.page, '/queue');
    await other.page.getByText('Pause a queue or a number').click();
    await other.page.locator('select[name=queue]').selectOption('reminders');
    await other.page.getByLabel('Why').fill('seen by the other one');
    await other.page.getByRole('button', { name: 'Pause', exact: true }).click();
    await window.page.getByText('seen by the other one').waitFor();

    await window.page.getByRole('button', { name: 'Live' }).press('Enter');
    await other.page.getByRole('button', { name: 'Resume' }).click();
    await other.page.getByText('It flows again.').waitFor();
    assert.ok(await window.page.getByText('seen by the other one').isVisible(), 'it stands still');
    await window.page.getByRole('button', { name: 'Live' }).press('Enter');
    await window.page.getByText('Nothing is paused.').waitFor();
    assert.equal(await window.page.evaluate(() => globalThis.stays), true, 'it was not loaded again');
    await window.close();
    await other.close();
  }));
