// What the portal costs on a bad link: bytes on the wire until the first page can be read, counted by the browser.
import assert from "node:assert/strict";
import { Phone } from "../../portal.js";

const FIRST_VIEW_MAX = 60_000;

export function firstView(world, test) {
  test("the portal's first view is at most 60 kB", async (t) => {
    const phone = await Phone.open(world, world.isp.people[0]);
    const page = await phone.page();
    const session = await phone.context.newCDPSession(page);
    await session.send("Network.enable");
    const names = new Map();
    const sizes = {};
    session.on("Network.responseReceived", ({ requestId, response }) => names.set(requestId, new URL(response.url).pathname));
    session.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => { sizes[names.get(requestId)] = encodedDataLength; });
    await session.send("Network.clearBrowserCache");
    await page.goto(phone.base, { waitUntil: "load" });
    await page.evaluate(() => document.fonts.ready.then(() => true));
    const total = Object.values(sizes).reduce((sum, size) => sum + size, 0);
    t.diagnostic(`first view of the portal: ${total} bytes: ${JSON.stringify(sizes)}`);
    assert.ok(Object.keys(sizes).length >= 2, "the page and its styles were counted");
    assert.ok(total <= FIRST_VIEW_MAX, `${total} bytes`);
    await phone.close();
  });
}
