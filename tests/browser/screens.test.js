// Everything the screens promise, in a real browser on a real installation. Stories are told one after the other.
import { after, before, describe, test } from "node:test";
import { launch } from "./browser.js";
import { Installation, newcomer } from "./installation.js";
import { furnish } from "./isp.js";
import { everyPage } from "./stories/pages.js";
import { keyboard } from "./stories/keyboard.js";
import { live } from "./stories/live.js";
import { gallery } from "./stories/gallery.js";
import { logInAndOut } from "./stories/session.js";
import { search } from "./stories/search.js";
import { withoutScripts } from "./stories/plain.js";
import { firstView } from "./stories/weight.js";

const world = {};

describe("screens", () => {
  before(async () => {
    world.cloud = await Installation.start();
    world.isp = await furnish(world.cloud);
    await world.cloud.tenant("Fresh Air Net", "fresh", newcomer);
    world.browser = await launch();
  });
  after(async () => {
    await world.browser?.close();
    await world.cloud?.end();
  });
  for (const story of [logInAndOut, keyboard, search, withoutScripts, live, firstView, everyPage, gallery]) story(world, test);
});
