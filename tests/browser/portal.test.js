// The portal on a subscriber's phone, on an installation of its own. Stories are told one after the other.
import { after, before, describe, test } from "node:test";
import { launch } from "./browser.js";
import { Installation } from "./installation.js";
import { furnish } from "./portal.js";
import { everyPage } from "./stories/portal/pages.js";
import { firstView } from "./stories/portal/weight.js";
import { help } from "./stories/portal/help.js";
import { links } from "./stories/portal/links.js";
import { orders } from "./stories/portal/orders.js";
import { paying } from "./stories/portal/paying.js";
import { plans } from "./stories/portal/plans.js";

const world = {};

describe("portal", () => {
  before(async () => {
    world.cloud = await Installation.start();
    world.isp = await furnish(world.cloud);
    world.browser = await launch();
  });
  after(async () => {
    await world.browser?.close();
    await world.cloud?.end();
  });
  for (const story of [links, firstView, everyPage, plans, help, paying, orders]) story(world, test);
});
