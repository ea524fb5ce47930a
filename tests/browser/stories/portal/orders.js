// Somebody orders on a phone, staff approve on a desk.
import assert from "node:assert/strict";
import { Person, screenshot } from "../../browser.js";
import { owner } from "../../installation.js";
import { Phone, reads } from "../../portal.js";

export function orders(world, test) {
  test("an order placed on a phone becomes a subscriber when staff approve it", async () => {
    const phone = await Phone.open(world);
    const page = await phone.page();
    await page.goto(phone.at("/sign-in"));
    await page.getByRole("link", { name: "Become a subscriber" }).tap();
    await page.waitForURL("**/sign-up");
    const typed = { name: "Inês Duarte", email: "ines@example.net", phone: "+34 600 000 200", line1: "", postcode: "36201", city: "Vigo", note: "The key is with the neighbour." };
    for (const [field, value] of Object.entries(typed)) await page.locator(`#${field}`).fill(value);
    await page.getByRole("radio", { name: /Fibre 500/ }).check();
    await page.getByRole("button", { name: "Place the order" }).tap();
    await page.locator(".error").first().waitFor();
    await reads(page, "an order without a street");
    await screenshot(page, "portal-order-wrong");
    assert.equal(await page.locator("#name").inputValue(), typed.name, "what was typed stays");
    assert.ok(await page.getByRole("radio", { name: /Fibre 500/ }).isChecked(), "and what was chosen");
    phone.complaints();
    await page.locator("#line1").fill("Fishmarket 3");
    await page.getByRole("button", { name: "Place the order" }).tap();
    await page.waitForURL("**/sign-up/thanks");
    assert.deepEqual(phone.complaints(), []);
    await phone.close();

    const staff = await Person.open(world.browser, world.cloud.url, owner);
    const desk = await staff.page();
    await desk.goto("/orders");
    await desk.locator("main").getByRole("link", { name: /Inês Duarte/ }).click();
    await desk.waitForURL("**/orders/ord_*");
    await desk.getByRole("button", { name: "Approve" }).click();
    await desk.getByRole("status").waitFor();
    const order = await world.cloud.get(new URL(desk.url()).pathname);
    assert.equal(order.status, "approved");
    assert.equal((await world.cloud.get(`/subscribers/${order.subscriber_id}`)).email, "ines@example.net");
    await staff.close();
  });
}
