// The whole way by keys, and single keys switched off.
import assert from "node:assert/strict";
import { Person, accessible, screenshot } from "../browser.js";
import { owner } from "../installation.js";

const path = (page) => new URL(page.url()).pathname;

export function keyboard(world, test) {
  test("everything is reached by keys, and focus is always seen", async () => {
    const person = await Person.open(world.browser, world.cloud.url, owner);
    await person.prefer("en", "light");
    const page = await person.page();
    await page.goto("/");
    await page.keyboard.press("Tab");
    assert.equal(await page.locator(":focus").innerText(), "Skip to content");
    await page.keyboard.press("/");
    assert.equal(await page.locator(":focus").getAttribute("id"), "search");
    await page.keyboard.type("vigo");
    await page.keyboard.press("Enter");
    await page.waitForURL("**/search?q=vigo");
    await page.keyboard.press("g");
    await page.keyboard.press("s");
    await page.waitForURL("**/subscribers");
    for (const key of ["j", "j", "k", "j"]) await page.keyboard.press(key);
    const second = page.locator("tbody tr:nth-child(2) a").first();
    assert.ok(await second.evaluate((link) => link === document.activeElement));
    assert.notEqual(await second.evaluate((link) => getComputedStyle(link).outlineStyle), "none");
    await page.keyboard.press("Enter");
    await page.waitForURL("**/subscribers/sbr_*");
    await page.keyboard.press("?");
    const list = page.getByRole("dialog", { name: "Keyboard" });
    await list.waitFor();
    await accessible(page, "the list of keys");
    await screenshot(page, "keys");
    await page.keyboard.press("Escape");
    await list.waitFor({ state: "hidden" });
    await page.keyboard.press("Control+k");
    assert.equal(await page.locator(":focus").getAttribute("id"), "search");
    // What is typed into a field is text.
    await page.keyboard.type("?g/j");
    assert.equal(await page.locator("#search").inputValue(), "?g/j");
    assert.deepEqual(person.complaints(), []);
    await person.close();
  });

  test("single keys can be switched off; Ctrl-K stays", async () => {
    const person = await Person.open(world.browser, world.cloud.url, owner);
    await person.prefer("en", "light", false);
    const page = await person.page();
    await page.goto("/sites");
    for (const key of ["?", "/", "g", "s", "j"]) await page.keyboard.press(key);
    assert.equal(await page.getByRole("dialog").count(), 0);
    assert.equal(await page.locator(":focus").count(), 0);
    assert.equal(path(page), "/sites");
    await page.keyboard.press("Control+k");
    assert.equal(await page.locator(":focus").getAttribute("id"), "search");
    await person.prefer("en", "light");
    await person.close();
  });

  test("what destroys asks first, and Escape changes nothing", async () => {
    const person = await Person.open(world.browser, world.cloud.url, owner);
    const page = await person.page();
    await page.goto(`/routers/${world.isp.edge.id}`);
    const again = page.getByRole("button", { name: "Enroll this router" });
    await again.first().click();
    const dialog = page.getByRole("dialog");
    assert.match(await dialog.innerText(), /edge-harbour-01/);
    await accessible(page, "a question");
    await screenshot(page, "confirm");
    await page.keyboard.press("Escape");
    assert.equal(await page.locator("#command").count(), 0);
    await again.first().click();
    await dialog.getByRole("button", { name: "Enroll this router" }).click();
    await page.locator("#command").waitFor();
    assert.match(await page.locator("#command").innerText(), /--token/);
    await person.close();
  });
}
