// ImapFlow, driven from outside: each line of the input is {"call": method, "args": […]}, each line of the output
// {"value": …}, {"error": …}, or {"event": name, "value": …} whenever something was pushed.
//
// Arguments: the directory that holds node_modules, and the options of ImapFlow as JSON.
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const { ImapFlow } = createRequire(process.argv[2] + '/')('imapflow');
const client = new ImapFlow({ ...JSON.parse(process.argv[3]), logger: false });

function plain(value) {
    if (value instanceof Map) return Object.fromEntries([...value].map(([key, each]) => [key, plain(each)]));
    if (value instanceof Set) return [...value].map(plain).sort();
    if (value instanceof Date) return value.toISOString();
    if (Buffer.isBuffer(value)) return value.toString('latin1');
    if (typeof value === 'bigint') return Number(value);
    if (Array.isArray(value)) return value.map(plain);
    if (value && typeof value === 'object') {
        return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)]));
    }
    return value === undefined ? null : value;
}

function say(message) {
    process.stdout.write(JSON.stringify(message) + '\n');
}

// What JSON has no form for: octets as {"octets": latin-1}, dates as {"date": ISO}
function revive(key, value) {
    if (value && typeof value.octets === 'string') return Buffer.from(value.octets, 'latin1');
    if (value && typeof value.date === 'string') return new Date(value.date);
    if (key === 'changedSince') return BigInt(value);
    return value;
}

const more = {
    state: () => ({
        authenticated: client.authenticated,
        secure: client.secureConnection,
        compressed: Boolean(client._inflate),
        capabilities: client.capabilities,
        enabled: client.enabled,
        mailbox: client.mailbox,
        server: client.serverInfo,
    }),
    downloaded: async (...args) => {
        const { meta, content } = await client.download(...args);
        const pieces = [];
        for await (const piece of content) pieces.push(piece);
        return { meta, content: Buffer.concat(pieces) };
    },
    // it returns when somebody breaks it off
    idling: () => void client.idle().catch(() => {}),
};

for (const name of ['exists', 'expunge', 'flags', 'mailboxOpen', 'mailboxClose', 'close']) {
    client.on(name, value => say({ event: name, value: plain(value ?? {}) }));
}
client.on('error', error => say({ event: 'error', value: String(error) }));

for await (const line of createInterface({ input: process.stdin })) {
    const { call, args } = JSON.parse(line, revive);
    try {
        say({ value: plain(await (more[call] ? more[call](...args) : client[call](...args))) });
    } catch (error) {
        say({ error: [error.message, error.responseText, error.serverResponseCode].filter(Boolean).join('; ') });
    }
}
process.exit(0);
