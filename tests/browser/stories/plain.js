// Selling a plan by the forms alone, without JavaScript.
import assert from "node:assert/strict";
import { Person } from "../browser.js";
import { owner } from "../installation.js";

export function withoutScripts(world, test) {
  test("a plan is sold, held and released without JavaScript", async () => {
    const person = await Person.open(world.browser, world.cloud.url, owner, { javaScriptEnabled: false });
    const page = await person.page();
    const main = page.locator("main");
    const press = async (name) => {
      await main.getByRole("button", { name, exact: true }).first().click();
      await page.waitForLoadState();
    };
    await page.goto("/subscribers");
    await main.getByRole("link", { name: "New subscriber" }).click();
    await page.locator("#name").fill("Inês Duarte");
    await press("Save");
    assert.equal(await main.getByRole("status").innerText(), "Saved.");
    await press("Open an account");
    await main.getByRole("link", { name: "New service location" }).first().click();
    for (const [field, value] of [["line1", "Fishmarket 3"], ["city", "Vigo"], ["country", "ES"]]) {
      await page.locator(`#${field}`).fill(value);
    }
    await press("Save");
    await main.getByRole("link", { name: "New subscription" }).click();
    await page.locator("#prefixes").fill("10.20.0.300/32");
    await press("Sell");
    // Nothing was sold: the form came back with what was typed and what is wrong.
    assert.match(page.url(), /\/subscriptions$/);
    assert.equal(await page.locator("#prefixes").inputValue(), "10.20.0.300/32");
    assert.ok((await page.locator(".error, .summary").allInnerTexts()).join(" ").length > 10);
    await page.locator("#prefixes").fill("10.20.0.77/32\n2001:db8:77::/56");
    await press("Sell");
    assert.match(new URL(page.url()).pathname, /^\/subscriptions\/sub_/);
    assert.match(await main.innerText(), /Inês Duarte/);
    assert.match(await main.getByRole("status").innerText(), /^Saved/);
    await page.locator("#reason").fill("Asked for a pause");
    await press("Place a hold");
    assert.match(await main.innerText(), /reaches only the payment page/);
    await press("Release");
    assert.match(await main.innerText(), /The line is open/);
    await page.reload();
    assert.equal(await main.getByRole("status").count(), 0, "a message is said once");
    await person.close();
  });
}
