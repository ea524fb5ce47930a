// Logging in and out.
import assert from "node:assert/strict";
import { Person, logIn, screenshot, settle } from "../browser.js";
import { owner } from "../installation.js";

export function logInAndOut(world, test) {
  test("a log-in leads to what was wanted, a log-out ends it", async () => {
    const person = await Person.open(world.browser, world.cloud.url);
    const page = await person.page();
    await page.goto("/routers");
    assert.equal(new URL(page.url()).pathname, "/log-in");
    await settle(page, "/log-in");
    await screenshot(page, "log-in");
    await page.locator("#email").fill(owner.email);
    await page.locator("#password").fill("wrong horse");
    await page.locator("main button").click();
    await page.getByRole("alert").waitFor();
    await settle(page, "/log-in, refused");
    await page.locator("#password").fill(owner.password);
    await page.locator("main button").click();
    await page.waitForURL("**/routers");
    await page.getByRole("button", { name: "Log out" }).click();
    await page.waitForURL("**/log-in");
    await page.goto("/routers");
    assert.match(page.url(), /\/log-in\?next=/);
    // A refused form answers 422, which a browser notes; nothing else went wrong.
    assert.deepEqual(person.complaints().filter((fault) => !fault.includes("422")), []);
    await person.close();
  });

  test("what is not there is told, with what to do and what to quote", async () => {
    const person = await Person.open(world.browser, world.cloud.url);
    const page = await person.page();
    await logIn(page, owner);
    await page.goto("/routers/rtr_00000000000000000000000000000000");
    await settle(page, "a problem");
    await screenshot(page, "problem");
    assert.match(await page.locator("main").innerText(), /req_[0-9a-f]{32}/);
    await person.close();
  });
}
