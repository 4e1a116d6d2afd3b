// Checks a draw from its public record alone, step by step, in the browser of whoever asks. It shares nothing with the
// server but the record: docs/draws.md has the formulas, app/domain/draw_verifier.py is the same check in Python.
// `verify(record, {language, onStep, onProgress, genuine})` gives {ok, steps, mismatch: {code, params, text} | null}.
// SHA-256 is our own and synchronous: the browser's is asynchronous, which for short messages costs more than the hash
// (measured in Chromium: 3 µs against 7 to 12 µs), and pages without https have none.

const FORMAT = "laoban-draw/1";
const CHUNK = 1024;
const MOST_TICKETS = 100;
const WAIT = 60;
const WRITTEN_WITHIN = 5;
const PARTS = ["code", "title", "rules", "opens_at", "closes_at", "commitment"];
const ONCE = ["opened", "closed", "sealed", "revealed", "drawn"];
// drand's public chain. Whoever has a chain of his own may know its values before, however genuine they are.
const QUICKNET = "52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971";
const SHOWN = { later: "later", unchecked: "unchecked", strange_beacon: "unchecked" };
const HEX64 = /^[0-9a-f]{64}$/;
const REST_MS = 25;

export const WORDS = `ok.events | The log of events is unbroken ({events} events) | 事件记录完整无缺（共 {events} 条）
ok.rules | The rules are those that were published at the opening | 规则与抽奖开始时公布的一致
ok.list | The list has {entries} entrants with {tickets} tickets, {staff} of them added by staff | 名单共 {entries} 人、{tickets} 张抽奖券，其中人工添加 {staff} 人
ok.root | The list is the one that was sealed before the draw | 名单就是开奖前封存的那一份
ok.seed | The revealed seed is the one that was promised at the opening | 公布的种子与抽奖开始时的防作弊校验码吻合
ok.round | Round {round} of the public beacon decides, as the rules say | 按规则由第 {round} 轮公共随机数决定
ok.signature | The beacon's signature is genuine | 公共随机数的签名真实有效
ok.order | The order of the entrants comes out the same ({ranks} compared) | 重新算出的开奖顺序一致（比对了 {ranks} 位）
ok.conditions | Nobody was passed over without a reason ({failed} no longer met a condition) | 没有人被无故跳过（{failed} 人不再满足条件）
ok.winners | The {winners} winners are the first in that order | {winners} 位中奖者正是按开奖顺序最先符合条件的人
ok.redraws | {redraws} redraws, each went to the next in the order | 重新抽取 {redraws} 次，每次都按开奖顺序递补
later | Can be checked after {waits} | 要等{waits}后才能检查
seed_only | No public beacon was used: the seed alone decides | 没有使用公共随机数：仅由种子决定
strange_beacon | The beacon is NOT drand's public network quicknet: does somebody you trust run it? | 所用的公共随机数不是来自 drand 的 quicknet 网络：请确认提供方值得信任
unchecked | Beacon signature NOT checked here: compare round {round} at a drand relay | 这里没有检查公共随机数的签名：请到 drand 节点比对第 {round} 轮
cancelled | This lottery was cancelled; there is no draw | 本次抽奖已取消，没有开奖
waits.sealed | the sealing of the list | 名单封存
waits.revealed | the reveal of the seed | 种子公布
waits.drawn | the draw | 开奖
not.format | This is no record of a draw of ours, or of a newer kind | 这不是本系统的抽奖记录，或者来自更新的版本
not.shape | The record is damaged: something is missing or has the wrong form | 记录已损坏：缺少内容或格式不对
not.event_chain | Event {number} was changed, added or removed | 第 {number} 条事件被改动、添加或删除
not.event_order | Event {number} ({kind}) stands in the wrong place | 第 {number} 条事件（{kind}）的位置不对
not.event_missing | The event '{kind}' is missing | 缺少事件“{kind}”
not.rules | '{field}' differs from what was published | “{field}”与公布的不一致
not.entry_number | Line {line} of the list is out of order | 名单第 {line} 行的顺序不对
not.entry_weight | Line {line} of the list has an impossible number of tickets | 名单第 {line} 行的抽奖券数量不符合规则
not.entry_conditions | Line {line} of the list did not meet the conditions | 名单第 {line} 行不满足参与条件
not.entry_twice | Line {line} of the list is somebody who stands in it already | 名单第 {line} 行与前面某一行是同一个人
not.limit | The list has {found} entrants, the rules allow {most} | 名单有 {found} 人，规则最多允许 {most} 人
not.closing | It can't have been closed for the reason '{reason}' | 不可能是因“{reason}”而截止
not.entries_count | The list has {found} lines, sealed were {sealed} | 名单有 {found} 行，封存时是 {sealed} 行
not.tickets_count | There are {found} tickets, sealed were {sealed} | 共有 {found} 张抽奖券，封存时是 {sealed} 张
not.staff_count | {found} entrants are marked as added by staff, recorded were {sealed} | 标记为人工添加的有 {found} 人，记录里是 {sealed} 人
not.entries_changed | A line between {first} and {last} of the list was changed | 名单第 {first} 至 {last} 行中有内容被改动
not.root | The list's fingerprint is not the one that was sealed | 名单指纹与封存时公布的不一致
not.seed | The seed is not the one that was promised | 种子与防作弊校验码不符
not.beacon_chain | The beacon's description does not fit its name | 公共随机数的参数与其标识不符
not.announced_round | The announced round is not the first after the closing time | 预告的轮次不是截止时间之后的第一轮
not.round | Round {found} was used, the rules ask for {expected} | 使用了第 {found} 轮，按规则应为第 {expected} 轮
not.signature | The beacon's signature of round {round} is forged or changed | 第 {round} 轮公共随机数的签名是伪造的，或被改动过
not.order | Rank {rank} belongs to number {expected}, the record says {found} | 开奖顺序第 {rank} 位应为 {expected} 号，记录写的是 {found} 号
not.passed_over | Number {number} (rank {rank}) was passed over or let through without a reason | {number} 号（开奖顺序第 {rank} 位）被无故跳过或放行
not.winner | Prize {slot} went to the wrong entrant or is not as recorded | 第 {slot} 份奖品的中奖者不对，或与记录不符
not.redraw | The redraw of prize {slot} (turn {turn}) is not as the rules say | 第 {slot} 份奖品的第 {turn} 次重新抽取不符合规则`;

// --- SHA-256 (FIPS 180-4) and HMAC (RFC 2104)
const PRIMES = [];
for (let n = 2; PRIMES.length < 64; n += 1) if (PRIMES.every((prime) => n % prime)) PRIMES.push(n);
const fraction = (root) => Math.floor((root - Math.floor(root)) * 2 ** 32) | 0;
const START = Int32Array.from(PRIMES.slice(0, 8), (prime) => fraction(Math.sqrt(prime)));
const ROUND = Int32Array.from(PRIMES, (prime) => fraction(Math.cbrt(prime)));
const words = new Int32Array(64);

function compress(state, bytes, at) {
  for (let i = 0; i < 16; i += 1, at += 4) {
    words[i] = (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
  }
  for (let i = 16; i < 64; i += 1) {
    const x = words[i - 15], y = words[i - 2];
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    words[i] = (words[i - 16] + s0 + words[i - 7] + s1) | 0;
  }
  let a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], f = state[5], g = state[6], h = state[7];
  for (let i = 0; i < 64; i += 1) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + ROUND[i] + words[i]) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g; g = f; f = e; e = (d + t1) | 0; d = c; c = b; b = a; a = (t1 + t2) | 0;
  }
  state[0] += a; state[1] += b; state[2] += c; state[3] += d; state[4] += e; state[5] += f; state[6] += g; state[7] += h;
}

// Hashes `length` bytes of `bytes` that follow `before` bytes already in `state`; `bytes` has room for the padding.
function finish(state, bytes, length, before, out, at) {
  const padded = (length + 9 + 63) & ~63;
  bytes.fill(0, length, padded);
  bytes[length] = 0x80;
  const total = before + length;
  for (let i = 0, bits = total * 8; i < 6; i += 1, bits = Math.floor(bits / 256)) bytes[padded - 1 - i] = bits % 256;
  for (let i = 0; i < padded; i += 64) compress(state, bytes, i);
  for (let i = 0; i < 8; i += 1) {
    out[at + 4 * i] = state[i] >>> 24;
    out[at + 4 * i + 1] = state[i] >>> 16;
    out[at + 4 * i + 2] = state[i] >>> 8;
    out[at + 4 * i + 3] = state[i];
  }
}

const state = new Int32Array(8);
let room = new Uint8Array(1024);

function hashInto(length, out, at) {
  state.set(START);
  finish(state, room, length, 0, out, at);
}

export function sha256(bytes) {
  if (room.length < bytes.length + 128) room = new Uint8Array(bytes.length + 128);
  room.set(bytes);
  const out = new Uint8Array(32);
  hashInto(bytes.length, out, 0);
  return out;
}

// HMAC-SHA256(key, prefix ‖ eight bytes of a number), for many numbers: what is the same for all is hashed once.
function scorer(key, prefix) {
  const pads = [0x36, 0x5c].map((pad) => {
    const block = new Uint8Array(64).fill(pad);
    key.forEach((byte, i) => { block[i] ^= byte; });
    const begun = Int32Array.from(START);
    compress(begun, block, 0);
    return begun;
  });
  const whole = prefix.length & ~63;
  for (let i = 0; i < whole; i += 64) compress(pads[0], prefix, i);
  const rest = prefix.slice(whole);
  const inner = new Uint8Array(128), outer = new Uint8Array(64);
  return (ticket, out) => {
    inner.set(rest);
    for (let i = 7, left = ticket; i >= 0; i -= 1, left = Math.floor(left / 256)) inner[rest.length + i] = left % 256;
    state.set(pads[0]);
    finish(state, inner, rest.length + 8, 64 + whole, outer, 0);
    state.set(pads[1]);
    finish(state, outer, 32, 64, out, 0);
  };
}

const encoder = new TextEncoder();
const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const sha = (text) => hex(sha256(encoder.encode(text)));

function unhex(text) {
  if (!/^([0-9a-fA-F]{2})*$/.test(text)) throw new TypeError("no hex");
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

// RFC 6962's tree head of `count` hashes in `level` (which it overwrites), into `out`.
function rootInto(level, count, out, at) {
  if (count === 0) hashInto(0, level, 0);
  for (; count > 1; count = (count + 1) >> 1) {
    for (let i = 0; i + 1 < count; i += 2) {
      room[0] = 1;
      room.set(level.subarray(32 * i, 32 * i + 64), 1);
      hashInto(65, level, 16 * i);
    }
    if (count % 2) level.copyWithin(16 * (count - 1), 32 * (count - 1), 32 * count);
  }
  out.set(level.subarray(0, 32), at);
}

// --- the check
class Mismatch extends Error {
  constructor(code, params) {
    super(code);
    Object.assign(this, { code, params });
  }
}

function expect(right, code, params = {}) {
  if (!right) throw new Mismatch(code, params);
}

// JSON with sorted keys, so that two values are the same when their texts are.
function canonical(value) {
  return JSON.stringify(value, (_, one) => (one && typeof one === "object" && !Array.isArray(one)
    ? Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1))) : one));
}

const same = (one, other) => canonical(one) === canonical(other);
const all = (doc, kind) => doc.events.filter((event) => event.kind === kind).map((event) => JSON.parse(event.body));
const parts = (results) => (results ? results.split(";").map((part) => part.split(":")) : []);

function checkEvents(doc) {
  let previous = "0".repeat(64), place = -1;
  const found = {};
  doc.events.forEach((event, i) => {
    const { kind, at, body } = event, number = i + 1;
    const link = sha(`${previous}\n${number}\n${kind}\n${at}\n${body}`);
    expect(event.number === number && event.previous === previous && event.hash === link, "event_chain", { number });
    if (ONCE.includes(kind)) {
      expect(ONCE.indexOf(kind) === place + 1, "event_order", { number, kind });
      place += 1;
    }
    const wrong = place < 0 || (kind === "staff_added" && place > 0) || (kind === "redrawn" && place < 4);
    expect(!wrong, "event_order", { number, kind });
    previous = link;
    found[kind] = JSON.parse(body);
  });
  expect(doc.events.length, "event_missing", { kind: "opened" });
  return found;
}

function checkRules(doc, events) {
  const { opened } = events, beacon = doc.beacon ?? {};
  for (const name of PARTS) expect(same(doc[name], opened[name]), "rules", { field: name });
  expect(same(beacon.chain ?? null, opened.beacon), "rules", { field: "beacon" });
  expect((beacon.announced_round ?? null) === opened.announced_round, "rules", { field: "announced_round" });
  expect(doc.close_reason === null || events.closed, "event_missing", { kind: "closed" });
  expect(doc.close_reason === (events.closed?.reason ?? null), "rules", { field: "close_reason" });
  expect(Boolean(events.cancelled) === (doc.state === "cancelled"), "event_missing", { kind: "cancelled" });
}

// Whether it could be closed for that reason; a wrong one would let the operator choose his moment.
function checkClosing(doc, { reason, at }, entries) {
  const { max_entries: most, closes_when_full: wanted } = doc.rules;
  expect(most === null || entries <= most, "limit", { found: entries, most });
  const right = { time: at >= doc.closes_at, full: wanted && entries === most, early: true };
  expect(Object.hasOwn(right, reason) && right[reason], "closing", { reason });
}

async function countLines(doc, events, rest) {
  const { sealed } = events, lines = doc.entries, most = Math.min(doc.rules.tickets.max ?? 1, MOST_TICKETS), asked = doc.rules.conditions.length;
  const seen = new Set();
  let tickets = 0, staff = 0;
  for (const [i, entry] of lines.entries()) {
    const line = i + 1;
    if (line % CHUNK === 0) await rest((line / lines.length) * 0.2);
    if (!Array.isArray(entry) || entry.length !== 4) throw new TypeError("no line");
    const [number, reference, weight, conditions] = entry;
    expect(number === line && HEX64.test(reference), "entry_number", { line });
    expect(!seen.has(reference), "entry_twice", { line });
    seen.add(reference);
    expect(Number.isInteger(weight) && weight >= 1 && weight <= most, "entry_weight", { line });
    const signs = conditions === "staff" ? null : parts(conditions).map(([, sign]) => sign);
    const met = signs === null || (signs.length === asked && signs.every((sign) => sign === "1"));
    expect(met, "entry_conditions", { line });
    tickets += weight;
    staff += signs === null ? 1 : 0;
  }
  const added = all(doc, "staff_added").reduce((sum, body) => sum + body.count, 0);
  for (const [name, found] of Object.entries({ entries: lines.length, tickets, staff })) {
    const told = doc[name === "entries" ? "entries_count" : name];
    const shown = told === sealed[name] ? found : told;
    expect(shown === found && found === sealed[name], `${name}_count`, { found: shown, sealed: sealed[name] });
  }
  expect(staff === added, "staff_count", { found: staff, sealed: added });
  checkClosing(doc, events.closed, lines.length);
  return { entries: lines.length, tickets, staff };
}

async function checkRoot(doc, events, rest) {
  const { sealed } = events, lines = doc.entries, count = Math.ceil(lines.length / CHUNK);
  const chunks = new Uint8Array(32 * Math.max(1, count)), leaves = new Uint8Array(32 * CHUNK);
  for (let chunk = 0; chunk < count; chunk += 1) {
    const from = chunk * CHUNK, to = Math.min(from + CHUNK, lines.length);
    for (let i = from; i < to; i += 1) {
      const [number, reference, weight, conditions] = lines[i];
      const bytes = encoder.encode(`\0${number}\n${reference}\n${weight}\n${conditions}`);
      if (room.length < bytes.length + 128) room = new Uint8Array(bytes.length + 128);
      room.set(bytes);
      hashInto(bytes.length, leaves, 32 * (i - from));
    }
    rootInto(leaves, to - from, chunks, 32 * chunk);
    await rest(0.2 + (to / lines.length) * 0.3);
  }
  const own = Array.from({ length: count }, (_, i) => hex(chunks.subarray(32 * i, 32 * i + 32)));
  const head = new Uint8Array(32);
  rootInto(chunks, count, head, 0);
  const root = hex(head);
  if (root !== sealed.root && doc.chunks.length === count && count > 0) {
    const told = new Uint8Array(32 * count);
    doc.chunks.forEach((one, i) => told.set(unhex(one), 32 * i));
    rootInto(told, count, head, 0);
    if (hex(head) === sealed.root) {
      const at = own.findIndex((one, i) => one !== doc.chunks[i]) * CHUNK;
      throw new Mismatch("entries_changed", { first: at + 1, last: Math.min(at + CHUNK, lines.length) });
    }
  }
  expect(root === sealed.root && root === doc.root, "root");
}

function bigEndian(number, size) {
  const bytes = new Uint8Array(size);
  for (let i = size - 1, left = number; i >= 0; i -= 1, left = Math.floor(left / 256)) bytes[i] = left % 256;
  return bytes;
}

const joined = (...arrays) => Uint8Array.from(arrays.flatMap((one) => Array.from(one)));

function checkRound(doc, events) {
  const { beacon } = doc, { chain } = beacon;
  const name = ["", "default"].includes(chain.beacon_id) ? "" : chain.beacon_id;
  const known = joined(bigEndian(chain.period, 4), bigEndian(chain.genesis, 8), unhex(chain.public_key),
    unhex(chain.group_hash), encoder.encode(name));
  expect(hex(sha256(known)) === chain.hash, "beacon_chain");
  const first = (moment) => Math.max(1, -Math.floor((chain.genesis - moment) / chain.period) + 1);
  const announced = beacon.announced_round;
  expect(announced === first(doc.closes_at + WAIT), "announced_round");
  const written = Math.floor(doc.events.find((event) => event.kind === "sealed").at / 1_000_000);
  const published = chain.genesis + (announced - 1) * chain.period;
  const allowed = [];
  for (let sealedAt = written - WRITTEN_WITHIN; sealedAt < written + 2; sealedAt += 1) {
    const inTime = doc.close_reason === "time" && sealedAt + WAIT / 2 <= published;
    allowed.push(inTime ? announced : first(sealedAt + WAIT));
  }
  const told = events.sealed.round === beacon.round && events.revealed.round === beacon.round;
  expect(allowed.includes(beacon.round) && told, "round", { expected: Math.max(...allowed), found: beacon.round });
  return beacon.round;
}

async function best(lines, most, seed, prefix, rest) {
  const score = scorer(seed, prefix), scores = new Uint8Array(32 * lines.length), one = new Uint8Array(32);
  const keys = new Float64Array(lines.length);
  const before = (a, i) => {
    for (let n = 0; n < 32; n += 1) if (a[n] !== scores[32 * i + n]) return a[n] < scores[32 * i + n];
    return false;
  };
  let ticket = 0;
  for (let i = 0; i < lines.length; i += 1) {
    for (let held = 0; held < lines[i][2]; held += 1) {
      ticket += 1;
      score(ticket, one);
      if (held === 0 || before(one, i)) scores.set(one, 32 * i);
    }
    for (let n = 0; n < 6; n += 1) keys[i] = keys[i] * 256 + scores[32 * i + n];
    if (i % 256 === 0) await rest(0.5 + i / lines.length / 2);
  }
  // The few whose first bytes are small enough, so that only they have to be sorted.
  const limit = Float64Array.from(keys).sort()[Math.min(most, lines.length) - 1] ?? -1;
  const few = [];
  keys.forEach((key, i) => key <= limit && few.push(i));
  few.sort((a, b) => keys[a] - keys[b] || (before(scores.subarray(32 * a, 32 * a + 32), b) ? -1 : 1));
  return few.slice(0, most).map((i) => lines[i][0]);
}

async function checkSignature(doc, events, round, genuine) {
  const { chain, signature } = doc.beacon;
  const answer = genuine ? await genuine(chain.public_key, sha256(bigEndian(round, 8)), signature) : null;
  expect(answer !== false && signature === events.revealed.signature, "signature", { round });
  return answer === null ? "unchecked" : "ok";
}

async function checkOrder(doc, signature, rest) {
  const given = doc.candidates, prefix = joined(unhex(doc.root), signature);
  const expected = await best(doc.entries, given.length, unhex(doc.seed), prefix, rest);
  given.forEach(([rank, number], i) => {
    const should = expected[i] ?? 0;
    expect(rank === i + 1 && number === should, "order", { rank: i + 1, expected: should, found: number });
  });
  return { ranks: given.length };
}

// What the conditions that were asked again say; "-" counts where the log says that one was dropped.
function verdict(doc, number, checks, dropped) {
  const joinedBy = doc.entries[number - 1][3];
  if (joinedBy === "staff" || checks === "staff") return checks === joinedBy ? "passed" : "?";
  const results = parts(checks);
  if (results.some(([, sign]) => sign === "0")) return "failed";
  const met = results.every(([place, sign]) => sign === "1" || dropped.has(place));
  return met && results.length === doc.rules.conditions.length ? "passed" : "?";
}

function lookedAt(doc, told, last) {
  const dropped = new Set(all(doc, "condition_dropped").map((body) => String(body.place)));
  const passed = [];
  for (const [rank, number, state, checks] of doc.candidates.slice(0, last)) {
    const right = state === verdict(doc, number, checks, dropped);
    expect(right && told.get(rank) === (state === "failed" ? number : undefined), "passed_over", { rank, number });
    if (state === "passed") passed.push({ rank, number });
  }
  expect(last <= doc.candidates.length, "order", { rank: doc.candidates.length + 1, expected: "?", found: "-" });
  return passed;
}

function checkWinners(doc, events, step) {
  const { winners: won } = events.drawn, again = all(doc, "redrawn");
  const prizes = doc.rules.prizes.flatMap((prize) => Array(prize.quantity).fill(prize.name));
  const told = new Map([events.drawn, ...again].flatMap((body) => body.passed_over).map((one) => [one.rank, one.number]));
  const last = Math.max(0, ...[...won, ...again].map((one) => one.rank ?? 0), ...told.keys());
  const passed = lookedAt(doc, told, last);
  step("conditions", "ok", { failed: told.size });
  const everybody = last === doc.entries.length, slots = Math.min(prizes.length, passed.length);
  const enough = won.length === slots && (slots === prizes.length || everybody);
  expect(enough, "winner", { slot: Math.min(slots, won.length) + 1 });
  const holders = new Map(doc.winners.map((one) => [`${one.slot} ${one.turn}`, one]));
  const held = (one, turn) => {
    const holder = holders.get(`${one.slot} ${turn}`) ?? {};
    return holder.number === one.number && holder.rank === one.rank && holder.prize === prizes[one.slot - 1];
  };
  won.forEach((one, i) => {
    const fits = one.slot === i + 1 && one.rank === passed[i].rank && one.number === passed[i].number;
    expect(fits && held(one, 0), "winner", { slot: i + 1 });
  });
  step("winners", "ok", { winners: slots });
  const left = passed.slice(slots);
  for (const one of again) {
    const { slot, turn } = one, right = left.shift() ?? { rank: null, number: null };
    const fits = one.rank === right.rank && one.number === right.number && (one.rank || everybody) && one.reason;
    const known = one.rank === null || held(one, turn);
    expect(fits && known && holders.has(`${slot} ${turn - 1}`), "redraw", { slot, turn });
  }
  for (const one of holders.values()) {
    // One that was taken back a moment ago has no successor yet.
    const after = holders.has(`${one.slot} ${one.turn + 1}`);
    expect(!after || one.state === "replaced", "winner", { slot: one.slot });
  }
  const known = slots + again.filter((one) => one.rank !== null).length;
  const complete = holders.size === doc.winners.length && known === holders.size && left.length === 0;
  expect(complete, "winner", { slot: slots });
  step("redraws", "ok", { redraws: again.length });
}

async function checkAll(doc, { step, rest, genuine }) {
  expect(doc && doc.format === FORMAT, "format");
  const events = checkEvents(doc);
  step("events", "ok", { events: doc.events.length });
  checkRules(doc, events);
  step("rules", "ok", {});
  if (doc.state === "cancelled") return step("list", "cancelled", {});
  const late = (kind, already) => {
    if (events[kind]) return false;
    expect(doc.state !== "drawn" && !already, "event_missing", { kind });
    step({ sealed: "list", revealed: "seed", drawn: "winners" }[kind], "later", { waits: kind });
    return true;
  };
  if (late("sealed", doc.root || doc.entries.length)) return undefined;
  step("list", "ok", await countLines(doc, events, rest));
  await checkRoot(doc, events, rest);
  step("root", "ok", {});
  if (late("revealed", doc.seed)) return undefined;
  const promised = hex(sha256(unhex(doc.seed))) === doc.commitment;
  expect(promised && doc.seed === events.revealed.seed, "seed");
  step("seed", "ok", {});
  let signature = new Uint8Array();
  if (doc.beacon === null) {
    step("round", "seed_only", {});
  } else {
    const round = checkRound(doc, events);
    step("round", "ok", { round });
    if (doc.beacon.chain.hash !== QUICKNET) step("beacon", "strange_beacon", {});
    step("signature", await checkSignature(doc, events, round, genuine), { round });
    signature = unhex(doc.beacon.signature);
  }
  step("order", "ok", await checkOrder(doc, signature, rest));
  if (late("drawn", false)) return undefined;
  return checkWinners(doc, events, step);
}

// --- in words, and without holding up the page
const table = new Map(WORDS.split("\n").map((line) => line.split(" | ")).map(([key, ...texts]) => [key, texts]));

function inWords(key, params, language) {
  const text = table.get(key)[language.startsWith("zh") ? 1 : 0];
  return text.replace(/\{(\w+)\}/g, (_, name) => String(params[name] ?? ""));
}

// Resolves after the page had time to draw and to hear its reader.
function breath() {
  return new Promise((resolve) => {
    setTimeout(resolve);
  });
}

export async function verify(record, { language = "en", onStep = () => {}, onProgress = () => {}, genuine = null } = {}) {
  const steps = [];
  let since = performance.now();
  const step = (name, state, params) => {
    const waits = state === "later" ? inWords(`waits.${params.waits}`, {}, language) : "";
    const text = inWords(state === "ok" ? `ok.${name}` : state, { ...params, waits }, language);
    const told = { name, state: SHOWN[state] ?? "ok", text };
    steps.push(told);
    onStep(told);
  };
  const rest = async (share) => {
    if (performance.now() - since < REST_MS) return;
    onProgress(share);
    await breath();
    since = performance.now();
  };
  try {
    await checkAll(record, { step, rest, genuine });
  } catch (error) {
    const { code, params } = error instanceof Mismatch ? error : { code: "shape", params: {} };
    return { ok: false, steps, mismatch: { code, params, text: inWords(`not.${code}`, params, language) } };
  }
  return { ok: true, steps, mismatch: null };
}
