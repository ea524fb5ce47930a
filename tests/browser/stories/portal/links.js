// The link that sets a password: once, and then it says so.
import assert from "node:assert/strict";
import { screenshot } from "../../browser.js";
import { Phone, passwordLink, reads } from "../../portal.js";

export function links(world, test) {
  test("a link sets a password once, and says so when it is used again", async () => {
    const { cloud, isp } = world;
    for (const [n, person] of isp.people.entries()) {
      const link = await passwordLink(cloud, person);
      const phone = await Phone.open(world);
      const page = await phone.page();
      await page.goto(link);
      if (n === 0) await reads(page, "the page that sets a password");
      await page.locator("#password").fill("short");
      await page.locator("main form button").tap();
      await page.locator(".error").waitFor();
      assert.match(await page.locator(".error").innerText(), /at least 12 characters/);
      phone.complaints();
      await page.locator("#password").fill(person.password);
      await page.locator("main form button").tap();
      await page.waitForURL(`**${isp.base}`);
      assert.match(await page.locator("main").innerText(), new RegExp(person.name.split(" ")[0]));
      const again = await page.goto(link);
      assert.equal(again.status(), 410);
      assert.equal(await page.locator("h1").innerText(), "This link has been used");
      if (n === 0) await reads(page, "a link that was used");
      await phone.close();
    }
  });

  test("whoever asks for a link learns nothing of who is a subscriber, and an invented link is none", async () => {
    const phone = await Phone.open(world);
    const page = await phone.page();
    const answers = [];
    for (const email of [world.isp.people[1].email, "nobody@example.net"]) {
      await page.goto(phone.at("/link"));
      await page.locator("#email").fill(email);
      await page.locator("main form button").tap();
      await page.getByRole("heading", { name: "Thank you" }).waitFor();
      answers.push(await page.locator("main").innerText());
    }
    assert.equal(answers[0], answers[1]);
    await reads(page, "a link was asked for");
    const invented = await page.goto(phone.at("/set-password/never-made"));
    assert.equal(invented.status(), 410);
    assert.equal(await page.locator("h1").innerText(), "This link does not work any more");
    await reads(page, "a link that is over");
    await phone.close();
  });

  test("signing in and out; a wrong password says no more than that", async () => {
    const [person] = world.isp.people;
    const phone = await Phone.open(world);
    const page = await phone.page();
    await page.goto(phone.base);
    await page.waitForURL("**/sign-in");
    await page.locator("#email").fill(person.email);
    await page.locator("#password").fill("not the password");
    await page.locator("main form button").tap();
    await page.locator(".summary").waitFor();
    await reads(page, "a wrong password");
    await screenshot(page, "portal-sign-in-wrong");
    await page.locator("#password").fill(person.password);
    await page.locator("main form button").tap();
    await page.waitForURL(`**${phone.base}`);
    await page.goto(phone.at("/account"));
    await page.getByRole("button", { name: "Sign out", exact: true }).tap();
    await page.waitForURL("**/sign-in");
    await page.goto(phone.at("/bills"));
    assert.match(page.url(), /\/sign-in$/);
    await phone.close();
  });
}
