// A Sparkplug B edge node made with sparkplug-client. Usage: node sparkplug_node.mjs MQTT_URL GROUP NODE
// It says "birth" whenever the broker has its births, "command NAME VALUE" for each device command, and takes lines on its
// input: "data NAME VALUE" publishes one metric, "skip" leaves a sequence number out, "unborn" publishes data of a device that
// was never born, "death" lets the device die, "exit" says goodbye.
import { createInterface } from "node:readline";
import sparkplug from "sparkplug-client";

const [serverUrl, groupId, edgeNode] = process.argv.slice(2);
const client = sparkplug.newClient({
  serverUrl, groupId, edgeNode, clientId: `${groupId}-${edgeNode}`, version: "spBv1.0",
  username: "peer", password: "peer", // the client insists on both; NATS refuses an empty name and, without accounts, takes any
  publishDeath: true,
});
const metrics = new Map([
  ["State", { type: "Int32", value: 0, alias: 1 }],
  ["speed", { type: "Double", value: 1.5, alias: 2 }],
  ["count", { type: "Int64", value: 5, alias: 3 }],
  ["running", { type: "Boolean", value: true, alias: 4 }],
  ["depth", { type: "Int16", value: -3, alias: 5 }],
  ["label", { type: "String", value: "text", alias: 6 }],
]);

function bear() {
  const timestamp = Date.now();
  client.publishNodeBirth({
    timestamp,
    metrics: [{ name: "Node Control/Rebirth", type: "Boolean", value: false }],
  });
  client.publishDeviceBirth("mixer-9", {
    timestamp,
    metrics: [...metrics].map(([name, { type, value, alias }]) => ({ name, type, value, alias, timestamp })),
  });
  // Who subscribes after this has been answered cannot hear these births any more: they went the same way before it.
  client.client.publish(`said/${edgeNode}`, "birth", { qos: 1 }, () => console.log("birth"));
}

client.on("birth", bear);
client.on("ncmd", (payload) => {
  if (payload.metrics.some((metric) => metric.name === "Node Control/Rebirth" && metric.value === true)) bear();
});
client.on("dcmd", (device, payload) => {
  for (const metric of payload.metrics) console.log(`command ${metric.name} ${metric.value}`);
});
client.on("error", (error) => console.log(`error ${error}`));

for await (const line of createInterface({ input: process.stdin })) {
  const [verb, name, text] = line.split(" ");
  const timestamp = Date.now();
  if (verb === "data") {
    const known = metrics.get(name);
    known.value = known.type === "Boolean" ? text === "true" : Number(text);
    const { type, value, alias } = known;
    client.publishDeviceData("mixer-9", { timestamp, metrics: [{ name, type, value, alias, timestamp }] });
  }
  if (verb === "skip") client.incrementSeqNum();
  if (verb === "unborn") {
    client.publishDeviceData("stranger-1", { timestamp, metrics: [{ name: "speed", type: "Double", value: 1 }] });
  }
  if (verb === "death") client.publishDeviceDeath("mixer-9", { timestamp });
  if (verb === "exit") break;
}
client.stop();
setTimeout(() => process.exit(0), 300);
