// An OPC UA server made with node-opcua. Usage: node opcua_server.mjs PORT FOLDER [secure]
// A secure one signs or encrypts, wants the user line with the password s3cret, and limits what it watches.
// It says "ready" once it listens and takes lines on its input: "set NAME VALUE" changes a variable, "bad NAME" gives it a
// bad status, "exit" ends it.
import { createInterface } from "node:readline";
import { OPCUACertificateManager } from "node-opcua-certificate-manager";
import { MessageSecurityMode, SecurityPolicy } from "node-opcua-secure-channel";
import { OPCUAServer } from "node-opcua-server";
import { StatusCodes } from "node-opcua-status-code";
import { DataType } from "node-opcua-variant";

const [port, folder, secure] = process.argv.slice(2);
const open = { securityModes: [MessageSecurityMode.None], securityPolicies: [SecurityPolicy.None], allowAnonymous: true };
const closed = {
  securityModes: [MessageSecurityMode.Sign, MessageSecurityMode.SignAndEncrypt],
  securityPolicies: [SecurityPolicy.Basic256Sha256, SecurityPolicy.Aes128_Sha256_RsaOaep, SecurityPolicy.Aes256_Sha256_RsaPss],
  allowAnonymous: false,
  userManager: { isValidUser: (user, password) => user === "line" && password === "s3cret" },
  serverCapabilities: { maxMonitoredItemsPerSubscription: 500, operationLimits: { maxMonitoredItemsPerCall: 100 } },
};
const manager = new OPCUACertificateManager({ rootFolder: folder, automaticallyAcceptUnknownCertificate: true });
const server = new OPCUAServer({
  host: "127.0.0.1",
  hostname: "127.0.0.1",
  port: Number(port),
  serverCertificateManager: manager,
  userCertificateManager: manager,
  ...(secure === "secure" ? closed : open),
});
await server.initialize();

const space = server.engine.addressSpace;
const own = space.getOwnNamespace();
const mixer = own.addObject({ organizedBy: space.rootFolder.objects, browseName: "Mixer" });
const variables = new Map();

function add(name, dataType, value) {
  const variable = own.addVariable({ componentOf: mixer, browseName: name, nodeId: `s=Mixer.${name}`, dataType });
  variable.setValueFromSource({ dataType, value });
  variables.set(name, { variable, dataType });
}

add("Speed", DataType.Double, 10.5);
add("Pressure", DataType.Float, 2.5);
add("Count", DataType.UInt32, 7);
add("Running", DataType.Boolean, true);
add("Label", DataType.String, "not a number");
add("State", DataType.Int32, 0);
for (let number = 0; number < 1200; number += 1) add(`V${number}`, DataType.Double, number);

await server.start();
console.log("ready");

function parsed(dataType, text) {
  if (dataType === DataType.Boolean) return text === "true";
  return dataType === DataType.String ? text : Number(text);
}

for await (const line of createInterface({ input: process.stdin })) {
  const [verb, name, text] = line.split(" ");
  const found = variables.get(name);
  if (verb === "set") found.variable.setValueFromSource({ dataType: found.dataType, value: parsed(found.dataType, text) });
  if (verb === "bad") {
    found.variable.setValueFromSource({ dataType: found.dataType, value: 0 }, StatusCodes.BadSensorFailure);
  }
  if (verb === "exit") break;
}
await server.shutdown(0);
process.exit(0);
