// Bob shares a catalog of his own from the page, and takes it back; what happens shows up as it happens.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aBrowser, bob, shot, site, stage, take, withBrowser } from './lib.mjs';

withBrowser();
let context, page, keys;

test('bob’s own catalog is in his library while it is served', async () => {
  keys = await stage('accounts');
  await stage('serve-bobs');
  context = await aBrowser();
  page = await bob(context);
  await page.getByText('Yours').waitFor();
  await page.getByRole('link', { name: /sketches/ }).click();
  await page.getByRole('link', { name: 'first.txt' }).click();
  await page.getByText('a sketch of something').waitFor();
  await page.keyboard.press('Escape');
});

test('he shares it with alice by her key, confirms it in a terminal, and sees that she has it', async () => {
  await page.goto(site + '/sharing');
  const card = page.getByRole('region', { name: 'sketches' });
  await card.getByLabel('Share sketches with').fill('nobody');
  await card.getByRole('button', { name: 'Share', exact: true }).click();
  await page.getByRole('alert').filter({ hasText: 'neither a name' }).waitFor();
  await card.getByLabel('Share sketches with').fill(keys.alice);
  await card.getByRole('button', { name: 'Share', exact: true }).click();
  await card.getByText(`natster catalog share sketches ${keys.alice}`).waitFor();
  await shot(page, 'sharing-confirm');
  assert.deepEqual(await stage('alices-shares'), []); // not by the page
  await stage('bob-shares', 'sketches');
  await card.getByText('1 person').waitFor();
  await card.getByText('natster catalog share').waitFor({ state: 'detached' });
  await page.getByRole('status').filter({ hasText: 'You share sketches with' }).waitFor();
  assert.deepEqual(await stage('alices-shares'), ['sketches']);
  await card.getByTitle('Click to name this account').click();
  await page.getByPlaceholder('a name', { exact: true }).fill('Alice');
  await page.getByRole('button', { name: 'Keep' }).click();
  await shot(page, 'sharing-own');
});

test('he takes it back, and shares it again by her name', async () => {
  const card = page.getByRole('region', { name: 'sketches' });
  await card.getByRole('button', { name: /^Take back/ }).click();
  await card.getByText('only you').waitFor();
  assert.deepEqual(await stage('alices-shares'), []);
  await card.getByLabel('Share sketches with').fill('alice');
  await card.getByRole('button', { name: 'Share', exact: true }).click();
  await card.getByText(`natster catalog share sketches ${keys.alice}`).waitFor();
  await stage('bob-shares', 'sketches');
  await card.getByText('1 person').waitFor();
});

test('all of it is in the list of what happened', async () => {
  await page.getByRole('link', { name: /Activity/ }).click();
  const events = page.getByRole('list', { name: 'Events' });
  await events.getByText('You no longer share sketches with Alice').first().waitFor();
  await shot(page, 'activity');
  await stage('stop-bobs');
  await events.getByText('Your sketches is not served any more').waitFor();
  assert.deepEqual(context.errors, []);
});

test('a catalog may be called what objects of the page’s language have anyway', async () => {
  await stage('offer', 'constructor');
  await page.goto(site + '/inbox');
  await page.getByRole('listitem').filter({ hasText: 'constructor' }).getByRole('button', { name: 'Import' }).click();
  await page.getByText('constructor is offline').waitFor();
  await page.goto(site + '/');
  await page.getByRole('link', { name: /constructor/ }).waitFor();
  await page.getByRole('link', { name: /sketches/ }).waitFor();
  await page.goto(site + '/sharing');
  await page.getByRole('region', { name: 'sketches' }).waitFor();
  assert.deepEqual(context.errors, []);
});

test('a friend’s catalog that is called like one of his own gets another name here', async () => {
  await stage('offer', 'sketches');
  await take(page, 'sketches', 'Alicesketches');
  await page.goto(site + '/');
  await page.getByRole('link', { name: /^Alicesketches/ }).waitFor();
  await page.getByRole('link', { name: /^sketches/ }).waitFor();
  assert.deepEqual(context.errors, []);
});
