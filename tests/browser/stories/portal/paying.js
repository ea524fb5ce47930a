// Paying on a phone without JavaScript: from the portal to the provider's page and back, and the line returns.
import assert from "node:assert/strict";
import { screenshot } from "../../browser.js";
import { until } from "../../installation.js";
import { Phone } from "../../portal.js";

export function paying(world, test) {
  test("usage is read, and a debt is paid by card, without JavaScript; the line returns", async () => {
    const jonas = world.isp.people[1];
    const phone = await Phone.open(world, jonas, { javaScriptEnabled: false });
    const page = await phone.page();
    await page.goto(phone.base);
    assert.match(await page.locator("main").innerText(), /GB\W* used/);
    await page.goto(phone.at(`/lines/${jonas.line.id}/usage`));
    assert.ok(await page.locator("tbody tr").count() > 5, "days as rows");
    await page.goto(phone.base);
    await page.getByRole("link", { name: /^Pay/ }).first().tap();
    await page.waitForURL("**/pay/*");
    const text = await page.locator("main").innerText();
    assert.match(text, /ES91\s2100/, "how to pay by transfer");
    await screenshot(page, "portal-pay-plain");
    await page.locator("main form button.primary").tap();
    await page.getByRole("button", { name: "Pay" }).waitFor();
    await page.locator("input[name=number]").fill("4000 0000 0000 9995");
    await page.getByRole("button", { name: "Pay" }).tap();
    await page.getByText("The card was declined.").waitFor();
    await page.locator("input[name=number]").fill("4242 4242 4242 4242");
    await page.getByRole("button", { name: "Pay" }).tap();
    await page.waitForURL("**/pay/**");
    assert.match(await page.locator("[role=status]").innerText(), /received/i);
    await screenshot(page, "portal-paid");
    await until("the line is open again", async () => (await world.cloud.get(`/subscriptions/${jonas.line.id}`)).access === "open");
    await page.goto(phone.base);
    assert.match(await page.locator("main").innerText(), /full speed/);
    assert.deepEqual(phone.complaints().filter((fault) => fault.startsWith(world.cloud.url)), []);
    await phone.close();
  });
}
