// Every page of the portal a subscriber can reach, light and dark, in both directions, on a phone.
import assert from "node:assert/strict";
import { screenshot } from "../../browser.js";
import { Phone, passwordLink, reads } from "../../portal.js";

// The dark theme changes colours only.
const VARIANTS = [["en", "light"], ["en", "dark"], ["ar", "light"]];
const IDS = /\/[a-z]{3}_[0-9a-f]{32}/g;

// Pages by their links: an id in an address stands for all ids.
async function reached(phone, isp) {
  const page = await phone.page();
  const kind = (path) => path.replace(IDS, "/:id").replace(/^\/pay\/.*/, "/pay/:token");
  const seen = new Map([[isp.base, isp.base]]);
  for (const path of seen.values()) {
    const answer = await page.goto(path);
    assert.equal(answer.status(), 200, path);
    const links = await page.locator("a[href]").evaluateAll((links) => links.filter((link) => link.origin === location.origin).map((link) => link.pathname));
    for (const link of links) {
      if (!seen.has(kind(link)) && !link.endsWith("/pdf")) seen.set(kind(link), link);
    }
  }
  await page.close();
  return [...seen.values()];
}

export function everyPage(world, test) {
  test("every page is reached by links", async () => {
    const [amara] = world.isp.people;
    const phone = await Phone.open(world, amara);
    const asked = { title: "The line is slow in the evening", body: "Films stop and start since Monday.\nIt is fine in the morning." };
    await phone.context.request.post(phone.at("/help"), { form: asked });
    const found = await reached(phone, world.isp);
    for (const path of ["", "/bills", "/help", "/account", `/lines/${amara.line.id}/usage`, `/lines/${amara.line.id}/plan`]) {
      assert.ok(found.includes(phone.at(path)), `${path}: ${found}`);
    }
    assert.ok(found.some((path) => /\/help\/tkt_/.test(path)), `${found}`);
    const page = await phone.page();
    await page.goto(phone.at(`/lines/${amara.line.id}/plan`));
    const dearer = await page.getByRole("radio", { name: /Fibre 500/ }).getAttribute("value");
    world.found = [...found, phone.at(`/lines/${amara.line.id}/plan/${dearer}`)];
    assert.deepEqual(phone.complaints(), []);
    await phone.close();
  });

  for (const [language, colorScheme] of VARIANTS) {
    test(`every page in ${language}, ${colorScheme}`, async (t) => {
      const phone = await Phone.open(world, world.isp.people[0], { colorScheme });
      await phone.speak(language);
      const page = await phone.page();
      const number = { count: 0 };
      for (const path of world.found) {
        await t.test(path, async () => {
          const answer = await page.goto(path);
          assert.equal(answer.status(), 200, path);
          await reads(page, path, colorScheme === "light");
          const name = path.replace(world.isp.base, "").replace(IDS, "").replace(/^\/pay\/.*/, "/pay").replace(/\W+/g, "-");
          await screenshot(page, `portal-${String(number.count++).padStart(2, "0")}${name}-${language}-${colorScheme}`);
        });
      }
      assert.deepEqual(phone.complaints(), []);
      await phone.speak("en");
      await phone.close();
    });

    test(`every page of whoever is no subscriber, in ${language}, ${colorScheme}`, async (t) => {
      const phone = await Phone.open(world, null, { colorScheme });
      await phone.speak(language);
      const link = await passwordLink(world.cloud, world.isp.people[2]);
      const page = await phone.page();
      for (const path of ["/sign-in", "/link", "/sign-up", "/sign-up/thanks", link.replace(phone.base, ""), "/nothing-here"]) {
        await t.test(path, async () => {
          await page.goto(phone.at(path));
          await reads(page, path, colorScheme === "light");
          await screenshot(page, `portal-door${path.replace(/set-password.*/, "set-password").replace(/\W+/g, "-")}-${language}-${colorScheme}`);
        });
      }
      await phone.close();
    });
  }

  test("the first page of a line that is walled off, and of one that is paid for", async () => {
    for (const [n, state, colorScheme, heading] of [[1, "walled", "light", "Your line is limited"], [1, "walled", "dark", "Your line is limited"], [2, "paid", "light", "Your line is on"]]) {
      const phone = await Phone.open(world, world.isp.people[n], { colorScheme });
      const page = await phone.page();
      await page.goto(phone.base);
      assert.equal(await page.locator("h1").innerText(), heading);
      // What there is to pay is seen without scrolling.
      const pay = page.getByRole("link", { name: "Pay now" });
      assert.equal(await pay.count(), state === "walled" ? 1 : 0);
      if (state === "walled") assert.ok((await pay.boundingBox()).y < 844, "the way to pay is on the first screen");
      await reads(page, state, colorScheme === "light");
      await screenshot(page, `portal-home-${state}-${colorScheme}`);
      assert.deepEqual(phone.complaints(), []);
      await phone.close();
    }
  });
}
