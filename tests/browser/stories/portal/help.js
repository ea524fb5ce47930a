// A question asked in the portal: its first answer comes at once, the ISP's own comes later.
import assert from "node:assert/strict";
import { screenshot } from "../../browser.js";
import { Phone, reads } from "../../portal.js";

export function help(world, test) {
  test("a ticket opened in the portal shows its first answer, and then what staff write", async () => {
    const jonas = world.isp.people[1];
    const phone = await Phone.open(world, jonas);
    const page = await phone.page();
    await page.goto(phone.at("/help"));
    await page.locator("#title").fill("No internet");
    await page.locator("#body").fill("Nothing opens since this morning.");
    await page.locator("main form button").tap();
    await page.getByRole("heading", { level: 1, name: "We have your question" }).waitFor();
    await reads(page, "a question with its first answer");
    await screenshot(page, "portal-first-answer");
    const answer = await page.locator("main").innerText();
    assert.match(answer, /overdue|unpaid|bill|pay/i, "the answer names why the line is limited");
    await page.locator("main").getByRole("link", { name: "Open the question" }).tap();
    await page.waitForURL("**/help/tkt_*");
    assert.match(await page.locator("main").innerText(), /Nothing opens since this morning/);
    const id = page.url().split("/").at(-1);
    await world.cloud.post(`/tickets/${id}/entries`, { kind: "reply", body: "We see it. Paying opens the line within seconds." });
    await page.reload();
    assert.match(await page.locator("main").innerText(), /opens the line within seconds/);
    await page.locator("#body").fill("Thank you.");
    await page.locator("main form button").tap();
    await page.getByText("Thank you.").waitFor();
    await reads(page, "a question");
    await screenshot(page, "portal-question");
    assert.deepEqual(phone.complaints(), []);
    await phone.close();
  });
}
