// Another plan: the exact price first, then the change.
import assert from "node:assert/strict";
import { screenshot } from "../../browser.js";
import { Phone, reads } from "../../portal.js";

export function plans(world, test) {
  test("changing the plan shows the exact price before anything changes", async () => {
    const amara = world.isp.people[0];
    const phone = await Phone.open(world, amara);
    const page = await phone.page();
    await page.goto(phone.base);
    await page.getByRole("link", { name: "Change the plan" }).tap();
    await page.getByRole("radio", { name: /Fibre 500/ }).check();
    await page.locator("main form button").tap();
    await page.getByRole("heading", { level: 1, name: /Fibre 500/ }).waitFor();
    await reads(page, "what a change of plan costs");
    await screenshot(page, "portal-plan-ask");
    const asked = await page.locator("main").innerText();
    const now = async () => (await world.cloud.get(`/subscriptions/${amara.line.id}`)).plan_name;
    assert.equal(await now(), "Wireless 50", "asking changes nothing");
    assert.match(asked, /€44\.90/);
    // Given back and charged by the day, with tax: what the next bill says to the cent.
    assert.match(asked, /−€\d+\.\d\d/);
    assert.match(asked, /IVA/);
    await page.getByRole("button", { name: "Change the plan" }).tap();
    await page.waitForURL(`**${phone.base}`);
    assert.equal(await now(), "Fibre 500");
    assert.match(await page.locator("main").innerText(), /Fibre 500/);
    assert.deepEqual(phone.complaints(), []);
    await phone.close();
  });
}
