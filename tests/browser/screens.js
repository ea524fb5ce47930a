// Stories on the staff's screens, told one after the other in a browser, on an installation of their own.
import { after, before, describe, test } from "node:test";
import { launch } from "./browser.js";
import { Installation, newcomer } from "./installation.js";
import { furnish } from "./isp.js";

export function screens(name, stories) {
  const world = {};
  describe(name, () => {
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
    for (const story of stories) story(world, test);
  });
}
