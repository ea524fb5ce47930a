// What every page promises. Most of the suite's time is here, so this is told beside the other stories.
import { screens } from "./screens.js";
import { everyPage } from "./stories/pages.js";

screens("pages", [everyPage]);
