// The gallery shows every sample, and every sample is accessible in every variant.
import assert from "node:assert/strict";
import { Person, accessible, screenshot, walk } from "../browser.js";
import { owner } from "../installation.js";

export function gallery(world, test) {
  test("the gallery shows every sample in every theme and direction", async (t) => {
    const person = await Person.open(world.browser, world.cloud.url, owner);
    await person.prefer("en", "light");
    const page = await person.page();
    await page.goto("/gallery");
    await accessible(page, "/gallery");
    const samples = await page.locator("figcaption a").evaluateAll((links) => links.map((link) => link.getAttribute("href")));
    assert.ok(samples.length >= 40 && samples.length % 4 === 0, `${samples.length} samples`);
    await page.waitForFunction(() => [...document.querySelectorAll("iframe")].slice(0, 4).every((frame) => frame.contentDocument?.querySelector("h1")));
    await screenshot(page, "gallery", { width: 1440, height: 1400 }, false);
    await walk(t, person, samples);
    for (const variant of ["lang=en&theme=light", "lang=en&theme=dark", "lang=ar&theme=light"]) {
      await page.goto(`/gallery/components?${variant}`);
      await screenshot(page, `components-${variant.replace(/\W/g, "-")}`);
    }
    await person.close();
  });
}
