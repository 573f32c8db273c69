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

// Answers by a schema.
const question = [{ role: "user", content: "What does 'river' mean?" }];
const schema = { type: "object", additionalProperties: false, required: ["side", "steps"], properties: {
  side: { type: "string", enum: ["left", "right"] }, steps: { type: "integer", minimum: 0, maximum: 99 } } };
const response_format = { type: "json_schema", json_schema: { name: "place", strict: true, schema } };
const checkPlace = (place) => {
  assert.deepStrictEqual(Object.keys(place).sort(), ["side", "steps"]);
  assert.ok(["left", "right"].includes(place.side));
  assert.ok(Number.isInteger(place.steps) && place.steps >= 0 && place.steps <= 99);
};
const parsed = await client.chat.completions.parse({ model: "demo", messages: question, response_format });
checkPlace(parsed.choices[0].message.parsed);
const runner = client.chat.completions.stream({ model: "demo", messages: question, response_format });
checkPlace(JSON.parse((await runner.finalChatCompletion()).choices[0].message.content));

// Calls that are wanted, or not.
const weather = { type: "function", function: { name: "weather", strict: true, parameters: {
  type: "object", additionalProperties: false, required: ["city"], properties: { city: { enum: ["Rome", "Oslo"] } } } } };
for (const tool_choice of ["required", { type: "function", function: { name: "weather" } }]) {
  const wanted = await client.chat.completions.create({
    model: "demo", messages: question, tools: [weather], tool_choice, parallel_tool_calls: false });
  assert.strictEqual(wanted.choices[0].finish_reason, "tool_calls");
  assert.ok(["Rome", "Oslo"].includes(JSON.parse(wanted.choices[0].message.tool_calls[0].function.arguments).city));
}
const none = await client.chat.completions.create({
  model: "demo", messages: messages.slice(0, 1), tools, tool_choice: "none" });
assert.strictEqual(none.choices[0].message.tool_calls, undefined);
await assert.rejects(client.chat.completions.create({ model: "demo", messages: question, response_format: {
  type: "json_schema", json_schema: { name: "x", schema: { type: "object", not: { const: 1 } } } } }), /'?not'?/);
console.log("fine");
