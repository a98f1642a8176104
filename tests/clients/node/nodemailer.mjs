// Nodemailer, driven from outside: each line of the input is {"call": method, "args": […]}, each line of the output
// {"value": …} or {"error": …}.
//
// Arguments: the directory that holds node_modules, and the options of Nodemailer's transport as JSON.
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const nodemailer = createRequire(process.argv[2] + '/')('nodemailer');
const transport = nodemailer.createTransport(JSON.parse(process.argv[3]));

for await (const line of createInterface({ input: process.stdin })) {
    const { call, args } = JSON.parse(line);
    let answer;
    try {
        answer = { value: await transport[call](...args) };
    } catch (error) {
        answer = { error: `${error.code}: ${error.message}` };
    }
    process.stdout.write(JSON.stringify(answer) + '\n');
}
transport.close();
