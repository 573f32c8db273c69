// OpenAI's JavaScript client talks to `carat serve`.
// usage: node openai_client_test.mjs URL   with the package openai to be found from here
import assert from "node:assert";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [url, packages] = process.argv.slice(2);
const require = createRequire(pathToFileURL(packages + "/"));
const OpenAI = require("openai");
const client = new OpenAI({ baseURL: url, apiKey: "none" });

const models = [];
for await (const model of client.models.list()) models.push(model.id);
assert.deepStrictEqual(models, ["demo"]);

const tools = [{ type: "function", function: {
  name: "calculate", description: "Evaluates an arithmetic expression.",
  parameters: { type: "object", properties: { expression: { type: "string", description: "The expression." } },
                required: ["expression"] } } }];
const messages = [{ role: "user", content: "What is 710 - 84?" }];
const reply = await client.chat.completions.create({ model: "demo", messages, tools });
const call = reply.choices[0].message.tool_calls[0];
assert.deepStrictEqual(JSON.parse(call.function.arguments), { expression: "710 - 84" });
messages.push(reply.choices[0].message, { role: "tool", tool_call_id: call.id, content: "626" });

let text = "";
const stream = await client.chat.completions.create({ model: "demo", messages, tools, stream: true });
for await (const chunk of stream) text += chunk.choices[0]?.delta?.content ?? "";
assert.strictEqual(text, "710 - 84 = 626.");
console.log("fine");
