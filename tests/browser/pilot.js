// One visit of the pilot story: reads a task on standard input, does it in Chromium, and prints what was seen.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { text } from "node:stream/consumers";
import { join } from "node:path";
import { accessible, launch } from "./browser.js";

const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, locale: "en-GB" };
const DESK = { viewport: { width: 1440, height: 900 }, locale: "en-GB" };

const task = JSON.parse(await text(process.stdin));
const { facts, base } = task;
let pictures = 0;

const picture = (page, name) => page.screenshot({ path: join(task.screenshots, `${task.who}-${task.what.replaceAll(" ", "-")}-${++pictures}-${name}.png`), fullPage: true });
const press = async (page, button) => {
  await button.click();
  await page.waitForLoadState();
};
const heading = (page) => page.locator("h1").innerText();

async function staff(page) {
  await page.goto(`${base}/`);
  if (new URL(page.url()).pathname !== "/log-in") return;
  await page.locator("#email").fill(facts.email);
  await page.locator("#password").fill(facts.password);
  await press(page, page.locator("main button"));
}

async function fill(page, fields) {
  for (const [name, value] of Object.entries(fields)) await page.locator(`[name="${name}"]`).fill(value);
}

// The provider's page: another site, where the card is typed.
async function typeCard(page, card) {
  await page.waitForURL(/\/page\//);
  await page.locator("[name=number]").fill(card);
  await picture(page, "provider");
  const pressed_ms = Date.now();
  await press(page, page.getByRole("button", { name: "Pay" }));
  await page.waitForURL(/\/pay\//);
  return pressed_ms;
}

const visits = {
  async "makes a plan"(page) {
    await staff(page);
    await picture(page, "overview");
    await page.goto(`${base}/plans`);
    await press(page, page.locator("main").getByRole("link", { name: "New plan" }).first());
    await fill(page, facts.plan);
    await page.locator("[name=offered_in_portal]").check();
    await press(page, page.getByRole("button", { name: "Save" }));
    assert.equal(await heading(page), facts.plan.name);
    await picture(page, "plan");
  },
  async "signs up"(page) {
    await page.goto(`${base}/portal/${facts.slug}/sign-up`);
    await fill(page, facts.person);
    await page.locator("[name=plan_version_id]").last().check();
    await picture(page, "order");
    await press(page, page.locator("main form button").last());
    assert.match(page.url(), /\/sign-up\/thanks$/);
    await picture(page, "thanks");
  },
  async "approves the order"(page) {
    await page.goto(`${base}/orders`);
    await press(page, page.getByRole("link", { name: facts.name }));
    await picture(page, "order");
    await press(page, page.getByRole("button", { name: "Approve" }));
    await picture(page, "approved");
  },
  async "asks for a link"(page) {
    await page.goto(`${base}/portal/${facts.slug}/link`);
    await page.locator("#email").fill(facts.email);
    await press(page, page.locator("main form button").last());
    await picture(page, "sent");
  },
  async "leaves a card"(page) {
    await page.goto(facts.link);
    await page.locator("#password").fill(facts.password);
    await press(page, page.locator("main form button").last());
    await picture(page, "home");
    await press(page, page.getByRole("link", { name: "Leave a card for automatic payment" }).first());
    await press(page, page.getByRole("button", { name: "Leave a card for automatic payment" }));
    await typeCard(page, facts.card);
    await picture(page, "kept");
    assert.match(await page.locator("main").innerText(), /card/i);
  },
  // As phones do: they ask by themselves whether they are on the internet, and open what they are led to.
  async "meets the garden"(page) {
    await page.close();
    for (const { locale, width, colorScheme, direction, says } of facts.looks) {
      const phone = await browser.newContext({ ...PHONE, viewport: { width, height: 720 }, locale, colorScheme });
      const page = await phone.newPage();
      const answer = await page.goto(`${facts.internet}/generate_204`);
      assert.equal(answer.status(), 200);
      assert.equal(answer.request().redirectedFrom().url(), `${facts.internet}/generate_204`);
      const { lang, dir, wide } = await page.evaluate(() => ({ lang: document.documentElement.lang, dir: document.documentElement.dir,
        wide: document.documentElement.scrollWidth > window.innerWidth }));
      assert.deepEqual({ lang, dir, wide }, { lang: locale.split("-")[0], dir: direction, wide: false });
      assert.match(await page.locator("main").innerText(), new RegExp(says));
      const pay = await page.locator("a.pay").boundingBox();
      assert.ok(pay.height >= 44 && pay.x >= 0 && pay.x + pay.width <= width, `a thumb finds it: ${JSON.stringify(pay)}`);
      await accessible(page, "the garden");
      await picture(page, `${lang}-${width}-${colorScheme}`);
      const refused = Date.now();
      await assert.rejects(page.goto(`${facts.internet.replace("http:", "https:")}/`), /ERR_CONNECTION_REFUSED/);
      assert.ok(Date.now() - refused < 2_000, "what cannot be led anywhere is refused at once");
      await phone.close();
    }
  },
  async "pays from the garden"(page) {
    const answer = await page.goto(facts.page);
    assert.equal(answer.status(), 511);
    await picture(page, "garden");
    await press(page, page.locator("a.pay"));
    await picture(page, "owed");
    await press(page, page.locator("main form button").first());
    const pressed_ms = await typeCard(page, facts.card);
    await picture(page, "paid");
    assert.match(await page.locator("main").innerText(), /€55\.00\W* received/, page.url());
    return { pressed_ms };
  },
  async "asks for help"(page) {
    await page.goto(`${base}/portal/${facts.slug}`);
    if (page.url().endsWith("/sign-in")) {
      await page.locator("#email").fill(facts.email);
      await page.locator("#password").fill(facts.password);
      await press(page, page.locator("main form button").last());
    }
    await picture(page, "home");
    await page.goto(`${base}/portal/${facts.slug}/help`);
    await fill(page, { title: facts.title, body: facts.body });
    await press(page, page.locator("main form button").last());
    await picture(page, "answer");
    return { answer: await page.locator("main").innerText() };
  },
  async "looks at the figures"(page) {
    await staff(page);
    await page.goto(`${base}/analytics`);
    const seen = await page.locator("main").innerText();
    for (const figure of facts.figures) assert.ok(seen.includes(figure), `${figure} is not in ${seen}`);
    await picture(page, "analytics");
  },
};

const browser = await launch();
try {
  const kept = existsSync(task.kept) ? { storageState: task.kept } : {};
  const context = await browser.newContext({ reducedMotion: "reduce", ...(task.who === "nora" ? DESK : PHONE), ...kept });
  context.setDefaultTimeout(20_000);
  const seen = await visits[task.what](await context.newPage());
  await context.storageState({ path: task.kept });
  console.log(JSON.stringify(seen ?? {}));
} finally {
  await browser.close();
}
