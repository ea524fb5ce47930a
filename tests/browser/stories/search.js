// Searching everything, by what somebody on the telephone says.
import assert from "node:assert/strict";
import { Person, screenshot, settle } from "../browser.js";
import { owner } from "../installation.js";

export function search(world, test) {
  test("a search finds everything and goes straight to what is exactly meant", async () => {
    const { isp } = world;
    const person = await Person.open(world.browser, world.cloud.url, owner, { javaScriptEnabled: false });
    const page = await person.page();
    const ask = async (query) => {
      await page.goto("/");
      await page.locator("#search").fill(query);
      await page.locator("#search").press("Enter");
      await page.waitForLoadState();
      return new URL(page.url()).pathname;
    };
    const { subscriber, account, sold } = isp.lines[0];
    assert.equal(await ask(subscriber.name), `/subscribers/${subscriber.id}`);
    assert.equal(await ask(subscriber.email.toUpperCase()), `/subscribers/${subscriber.id}`);
    assert.equal(await ask(account.number), `/accounts/${account.id}`);
    for (const address of ["10.20.0.2", "2001:db8:1:7::9", "2001:db8:1::/56", sold.id]) {
      assert.equal(await ask(address), `/subscriptions/${sold.id}`, address);
    }
    assert.equal(await ask("edge-harbour-01"), `/routers/${isp.edge.id}`);
    assert.equal(await ask("harbour"), `/sites/${isp.harbour.id}`);
    const invoice = isp.invoices[0];
    assert.equal(await ask(invoice.number.toLowerCase()), `/invoices/${invoice.id}`);
    assert.equal(await ask("hill"), "/search");
    const found = await page.locator("main h2").allInnerTexts();
    assert.deepEqual(found, ["Subscribers", "Service locations", "Subscriptions"]);
    assert.equal(await ask("nothing of the kind"), "/search");
    assert.equal(await page.locator("main table").count(), 0);
    await person.close();
  });

  test("the results read well", async () => {
    const person = await Person.open(world.browser, world.cloud.url, owner);
    const page = await person.page();
    for (const query of ["", "hill", "inv", "nothing"]) {
      await page.goto(`/search?q=${query}`);
      await settle(page, `/search?q=${query}`);
    }
    await page.goto("/search?q=e");
    await screenshot(page, "search");
    assert.deepEqual(person.complaints(), []);
    await person.close();
  });
}
