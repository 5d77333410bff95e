// The one script of the design system: only the elements that our pages use, and only the icons that they name.
// An element or icon that a template uses and this file forgets fails a test in tests/web/test_assets.py.
import { defineCustomElement as application } from "@siemens/ix/components/ix-application.js";
import { defineCustomElement as header } from "@siemens/ix/components/ix-application-header.js";
import { defineCustomElement as menu } from "@siemens/ix/components/ix-menu.js";
import { defineCustomElement as menuItem } from "@siemens/ix/components/ix-menu-item.js";
import { defineCustomElement as icon } from "@siemens/ix-icons/components/ix-icon.js";
import { addIcons } from "@siemens/ix-icons";
import {
  iconAlarmBell,
  iconCodeScript,
  iconConnected,
  iconGanttchart,
  iconHome,
  iconLanguage,
  iconLightDark,
  iconList,
  iconLogIn,
  iconLogOut,
  iconPlant,
  iconProject,
  iconShoppingCart,
  iconTruck,
  iconUser,
} from "@siemens/ix-icons/icons";

addIcons({
  iconAlarmBell,
  iconCodeScript,
  iconConnected,
  iconGanttchart,
  iconHome,
  iconLanguage,
  iconLightDark,
  iconList,
  iconLogIn,
  iconLogOut,
  iconPlant,
  iconProject,
  iconShoppingCart,
  iconTruck,
  iconUser,
});

for (const define of [icon, application, header, menu, menuItem]) define();
