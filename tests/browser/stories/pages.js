// Every page that can be reached, in both themes and both directions, on a desk and on a phone.
import assert from "node:assert/strict";
import { Person, pages, screenshot, walk } from "../browser.js";
import { newcomer, owner } from "../installation.js";

const VARIANTS = [["en", "light"], ["en", "dark"], ["ar", "light"], ["ar", "dark"]];
const PHONE = { width: 390, height: 844 };
const SHOWN = [["subscribers", "/subscribers"], ["plans", "/plans"], ["settings", "/settings"], ["invoices", "/invoices"], ["payments", "/payments"], ["ledger", "/ledger"], ["billing-runs", "/billing-runs"],
  ["tickets", "/tickets"], ["orders", "/orders"], ["messages", "/messages"], ["dunning", "/dunning"], ["analytics", "/analytics"], ["support", "/settings/support/policy"], ["audit", "/audit"]];

export function everyPage(world, test) {
  for (const [language, theme] of VARIANTS) {
    test(`every page in ${language}, ${theme}`, async (t) => {
      const person = await Person.open(world.browser, world.cloud.url, owner);
      await person.prefer(language, theme);
      const first = await person.page();
      world.found ??= [...await pages(first), ...world.isp.more, "/search?q=hill", "/errors/invalid", "/api"];
      const { found } = world;
      assert.ok(found.length > 15, `${found}`);
      // A theme changes no widths.
      await walk(t, person, found, theme === "light");
      for (const [name, path] of SHOWN.filter(([, path]) => found.includes(path))) {
        await first.goto(path);
        await screenshot(first, `${name}-${language}-${theme}`);
        if (theme === "light") await screenshot(first, `${name}-${language}-phone`, PHONE);
      }
      for (const [name, path] of [["ticket", world.isp.more.find((path) => path.startsWith("/tickets/"))], ["plugin", found.find((path) => path.startsWith("/plugins/plg_"))]]) {
        await first.goto(path);
        await screenshot(first, `${name}-${language}-${theme}`);
      }
      await first.goto("/");
      await screenshot(first, `overview-${language}-${theme}-still`);
      await person.close();
    });
  }

  test("the head of a long table stays in sight", async () => {
    const person = await Person.open(world.browser, world.cloud.url, owner, { viewport: { width: 1200, height: 300 } });
    const page = await person.page();
    await page.goto("/subscribers");
    await page.locator("tbody tr").last().scrollIntoViewIfNeeded();
    assert.ok(await page.evaluate(() => scrollY) > 100);
    const { y } = await page.locator("thead th").first().boundingBox();
    assert.ok(y >= 0 && y < 2, `the head stands at ${y}`);
    await person.close();
  });

  test("every page of an ISP that has nothing yet", async (t) => {
    const person = await Person.open(world.browser, world.cloud.url, newcomer);
    const page = await person.page();
    await walk(t, person, await pages(page));
    await page.goto("/subscribers");
    await screenshot(page, "empty");
    await page.setViewportSize({ width: 390, height: 844 });
    await page.locator(".phone-menu > summary").click();
    await screenshot(page, "phone-menu");
    await person.close();
  });
}
