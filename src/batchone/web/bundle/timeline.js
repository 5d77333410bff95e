// The Gantt's library from its source form: the ready-made file carries its styles inside and would add them to the page,
// which our content security policy forbids; and what we do not use stays out.
import "moment/locale/zh-cn";
import moment from "moment";
import { DataSet } from "vis-data/esnext";
import { Timeline } from "vis-timeline/esnext";

moment.locale("en");
window.vis = { DataSet, Timeline, moment };
