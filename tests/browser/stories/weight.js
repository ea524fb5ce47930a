// What the first view costs: bytes on the wire, counted by the browser.
import assert from "node:assert/strict";
import { Person } from "../browser.js";
import { owner } from "../installation.js";

const FIRST_VIEW_MAX = 160_000;
const NEXT_VIEW_MAX = 12_000;

export function firstView(world, test) {
  test("the overview's first view is light, the next is lighter", async (t) => {
    const person = await Person.open(world.browser, world.cloud.url, owner);
    const page = await person.page();
    const session = await person.context.newCDPSession(page);
    await session.send("Network.enable");
    const names = new Map();
    let sizes = {};
    session.on("Network.responseReceived", ({ requestId, response }) => names.set(requestId, new URL(response.url).pathname));
    session.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => { sizes[names.get(requestId)] = encodedDataLength; });
    const total = () => Object.values(sizes).reduce((sum, size) => sum + size, 0);
    await session.send("Network.clearBrowserCache");
    await page.goto("/", { waitUntil: "load" });
    await page.evaluate(() => document.fonts.ready.then(() => true));
    t.diagnostic(`first view: ${total()} bytes: ${JSON.stringify(sizes)}`);
    assert.ok(total() < FIRST_VIEW_MAX, `${total()} bytes`);
    sizes = {};
    await page.goto("/subscribers", { waitUntil: "load" });
    t.diagnostic(`next view: ${total()} bytes: ${JSON.stringify(sizes)}`);
    assert.ok(total() < NEXT_VIEW_MAX, `${total()} bytes`);
    await person.close();
  });
}
