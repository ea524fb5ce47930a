// This second's rates: the real feed, what the chart draws of it, and a feed that stops.
import assert from "node:assert/strict";
import { Person, accessible, screenshot } from "../browser.js";
import { owner, until } from "../installation.js";

// Five minutes of an evening, with a gap, as the live stream would have told them.
function evening(topic) {
  const now = Math.floor(Date.now() / 1000);
  const events = [];
  for (let second = -290; second <= 0; second += 1) {
    if (second > -140 && second < -120) continue;
    const wave = 1 + 0.35 * Math.sin(second / 40) + 0.06 * Math.sin(second * 1.7);
    const reading = { at_ms: (now + second) * 1000, down_bps: Math.round(412e6 * wave), up_bps: Math.round(96e6 * (2 - wave)) };
    events.push(`event: ${topic}\ndata: ${JSON.stringify(reading)}\n\n`);
  }
  return `retry: 60000\n\n${events.join("")}`;
}

export function live(world, test) {
  test("the real feed reaches overview, router and line, and a lost router is told", async () => {
    const person = await Person.open(world.browser, world.cloud.url, owner);
    await person.prefer("en", "light");
    const paths = ["/", `/routers/${world.isp.edge.id}`, `/subscriptions/${world.isp.lines[0].sold.id}`];
    const watched = [];
    for (const path of paths) {
      const page = await person.page();
      await page.goto(path);
      watched.push(page);
    }
    for (const page of watched) {
      await page.locator("live-state.ok").waitFor();
      assert.match(await page.locator("live-number").first().innerText(), /^\d/);
    }
    await world.cloud.killAgent();
    for (const page of watched) {
      await page.locator("live-state.warn").waitFor();
      assert.match(await page.locator("live-state").innerText(), /^paused for \d+ s$/);
    }
    await until("the router is shown as lost", async () => {
      await watched[0].reload();
      return (await watched[0].locator("main").innerText()).includes("Unreachable");
    }, 120);
    assert.deepEqual(person.complaints(), []);
    await person.close();
  });

  test("the chart draws both ways from the tokens of the theme, and tells its figures as a table", async () => {
    const person = await Person.open(world.browser, world.cloud.url, owner);
    const line = `/subscriptions/${world.isp.lines[0].sold.id}`;
    const inks = [];
    for (const theme of ["light", "dark"]) {
      await person.prefer("en", theme);
      for (const [name, path] of [["overview", "/"], ["router", `/routers/${world.isp.edge.id}`], ["subscription", line]]) {
        const page = await person.page();
        await page.route("**/live?*", (route) => {
          const topic = new URL(route.request().url()).searchParams.get("topics");
          return route.fulfill({ contentType: "text/event-stream", body: evening(topic) });
        });
        await page.goto(path);
        await page.locator("live-state.ok").waitFor();
        // The canvas is painted: ink of the download above the zero line, of the upload below.
        const ink = await page.locator(".plot canvas").evaluate((canvas) => {
          const { data, width, height } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          const at = (x, y) => [...data.slice((y * width + x) * 4, (y * width + x) * 4 + 4)];
          const column = Array.from({ length: height }, (_, y) => at(Math.round(width * 0.5), y));
          return new Set(column.map(String)).size > 4 ? column.map(String).join(";") : "";
        });
        assert.ok(ink, `${name} ${theme}: nothing was drawn`);
        if (name === "overview") inks.push(ink);
        await screenshot(page, `${name}-${theme}`);
        if (theme === "light") await table(page, name);
        await page.setViewportSize({ width: 390, height: 844 });
        await screenshot(page, `${name}-${theme}-phone`);
        await page.close();
      }
    }
    assert.notEqual(inks[0], inks[1], "both themes draw alike");
    assert.deepEqual(person.complaints(), []);
    await person.close();
  });
}

async function table(page, name) {
  await page.getByText("Show as table").click();
  const rows = page.locator(".as-table tbody tr");
  await rows.first().waitFor();
  assert.equal(await rows.count(), 30);
  const cells = await rows.first().locator("td").allInnerTexts();
  assert.match(cells[0], /^\d\d:\d\d:\d\d$/);
  assert.equal(cells[1], await page.locator("live-number").first().innerText());
  await accessible(page, `${name} with its table`);
  await page.getByText("Show as table").click();
}
