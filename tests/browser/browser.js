// A real Chromium, and what must hold for every page it shows.
import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import { chromium } from "playwright-core";
import { artifacts } from "./installation.js";

const WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const DESK = { width: 1440, height: 900 };
const NARROW = [390, 320];

export const launch = () => chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: process.getuid() === 0 ? ["--no-sandbox"] : [],
});

// Somebody in front of a screen: a browser context with a log-in, and a list of what went wrong on its pages.
export class Person {
  static async open(browser, url, person, options = {}) {
    const self = new this();
    self.context = await browser.newContext({ baseURL: url, viewport: DESK, reducedMotion: "reduce", locale: "en-GB", ...options });
    self.faults = [];
    self.context.on("page", (page) => self.watch(page));
    if (person) {
      const page = await self.context.newPage();
      await logIn(page, person);
      await page.close();
    }
    return self;
  }
  watch(page) {
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) this.faults.push(`${page.url()}: ${message.text()}`);
    });
    page.on("pageerror", (error) => this.faults.push(`${page.url()}: ${error}`));
    page.on("requestfailed", (request) => {
      const reason = request.failure()?.errorText;
      if (reason !== "net::ERR_ABORTED") this.faults.push(`${request.url()}: ${reason}`);
    });
  }
  // What went wrong since it was asked last.
  complaints() { return this.faults.splice(0); }
  async prefer(language, theme, singleKeys = true) {
    const form = { language, theme, ...(singleKeys && { single_keys: "yes" }) };
    const answer = await this.context.request.post("/preferences", { form, maxRedirects: 0 });
    assert.equal(answer.status(), 303);
  }
  page() { return this.context.newPage(); }
  close() { return this.context.close(); }
}

export async function logIn(page, person) {
  await page.goto("/log-in");
  await page.locator("#email").fill(person.email);
  await page.locator("#password").fill(person.password);
  await page.locator("main button").click();
  await page.waitForURL((url) => url.pathname !== "/log-in");
}

// One h1 with words, a title, no fault by axe, nothing wider than a phone.
export async function check(page, path, widths = NARROW) {
  const answer = await page.goto(path);
  assert.ok(answer.status() < 400, `${path}: ${answer.status()}`);
  await settle(page, path, widths);
}

export async function settle(page, path, widths = NARROW) {
  const headings = await page.locator("h1").allInnerTexts();
  assert.equal(headings.length, 1, `${path}: h1: ${headings}`);
  assert.ok(headings[0].trim() && (await page.title()).trim(), `${path}: an empty heading or title`);
  await accessible(page, path);
  for (const width of widths) {
    await page.setViewportSize({ width, height: 844 });
    assert.deepEqual(await sticksOut(page), [], `${path} at ${width} px`);
  }
  await page.setViewportSize(DESK);
}

export async function accessible(page, path) {
  const { violations } = await new AxeBuilder({ page }).setLegacyMode().withTags(WCAG).exclude("iframe").analyze();
  const told = violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.slice(0, 3).map((node) => `${node.html} ${node.any[0]?.message ?? ""}`).join(" | ")}`);
  assert.deepEqual(told, [], path);
}

// Checks pages, two at once, each under its own name.
export async function walk(t, person, paths, onPhones = true) {
  const waiting = [...paths];
  await Promise.all([1, 2].map(async () => {
    const page = await person.page();
    for (let path = waiting.shift(); path; path = waiting.shift()) {
      const here = path;
      await t.test(here, () => check(page, here, onPhones ? NARROW : []));
    }
    await page.close();
  }));
  assert.deepEqual(person.complaints(), []);
}

// Elements that make the page wider than the window.
export const sticksOut = (page) => page.evaluate(() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  const out = [...document.querySelectorAll("body *")].filter((element) => {
    const box = element.getBoundingClientRect();
    return box.width && !element.closest(".plot") && (box.right > width + 1 || box.left < -1);
  });
  return out.slice(-3).map((element) => element.outerHTML.slice(0, 160));
});

export async function screenshot(page, name, viewport, fullPage = true) {
  const before = page.viewportSize();
  if (viewport) await page.setViewportSize(viewport);
  await mkdir(artifacts, { recursive: true });
  await page.screenshot({ path: join(artifacts, `${name}.png`), fullPage });
  await page.setViewportSize(before);
}

// Pages of subscribers; no place of the staff.
const NOT_WALKED = /^\/(portal|pay)([/?]|$)/;

// Every kind of page that can be reached from the navigation: an id in an address stands for all ids.
export async function pages(page) {
  const kind = (path) => path.split("?")[0].replace(/\/[a-z]{3}_[0-9a-f]{32}/g, "/:id").replace(/^(\/messages\/templates)\/[^/]+(\/[^/]+)?/, (_, list, language) => `${list}/:template${language ? "/:language" : ""}`) + (path.includes("?") ? "?" : "");
  const seen = new Map([["/", "/"]]);
  for (const path of seen.values()) {
    const answer = await page.goto(path);
    assert.equal(answer.status(), 200, path);
    const links = await page.locator(".side-nav a, main a, .top a").evaluateAll((links) => links.filter((link) => link.origin === location.origin && !link.hasAttribute("download")).map((link) => link.pathname + link.search));
    for (const link of links) {
      const known = seen.has(kind(link)) || NOT_WALKED.test(link) || /^\/(api|log-out|assets|gallery)([/?]|$)|[./](pdf|csv|html|receipt|journal-file)(\?|$)/.test(link);
      if (!known) seen.set(kind(link), link);
    }
  }
  return [...seen.values()];
}
