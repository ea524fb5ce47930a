// What the screens promise whoever uses them.
import { screens } from "./screens.js";
import { keyboard } from "./stories/keyboard.js";
import { live } from "./stories/live.js";
import { gallery } from "./stories/gallery.js";
import { logInAndOut } from "./stories/session.js";
import { search } from "./stories/search.js";
import { withoutScripts } from "./stories/plain.js";
import { firstView } from "./stories/weight.js";

screens("screens", [logInAndOut, keyboard, search, withoutScripts, live, firstView, gallery]);
