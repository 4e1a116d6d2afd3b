// Messages of the Bot API as elements. Offsets of entities count UTF-16 units, as JavaScript strings do.

import { icon, make, words } from "./common.js";

const TAGS = { bold: "strong", italic: "em", underline: "u", strikethrough: "s", code: "code", blockquote: "blockquote", expandable_blockquote: "blockquote" };
const BLOCKS = new Set(["pre", "blockquote", "expandable_blockquote"]);
const SAFE_LINK = /^(https?|tg):/i;

/** A link; t.me addresses of bots and channels lead to their chat here, for the same person. */
export function hrefOf(url) {
  const place = /^https?:\/\/(?:t|telegram)\.me\/(\w{3,32})(?:\/\d+)?(?:\?start=([\w-]*))?$/i.exec(url);
  if (!place) return SAFE_LINK.test(url) ? url : undefined;
  const [, name, start] = place;
  const here = new URL(window.location.href);
  const query = new URLSearchParams();
  const toBot = /bot$/i.test(name);
  if (!toBot) query.set("chat", `@${name}`);
  if (start) query.set("start", start);
  if (here.searchParams.has("user")) query.set("user", here.searchParams.get("user"));
  const path = toBot ? `/chat/${name}` : here.pathname;
  return query.size ? `${path}?${query}` : path;
}

/** What a share link would hand on to friends; nothing for other links. */
function sharedBy(url) {
  return /^https?:\/\/(?:t|telegram)\.me\/share\/url\?/i.test(url) ? new URL(url).searchParams.get("url") : null;
}

function wrap(entity, text, children) {
  if (TAGS[entity.type]) return make(TAGS[entity.type], {}, ...children);
  switch (entity.type) {
    case "pre": return make("pre", {}, ...children);
    case "text_link": return make("a", { href: hrefOf(entity.url), target: "_blank", rel: "noopener" }, ...children);
    case "url": return make("a", { href: hrefOf(text), target: "_blank", rel: "noopener" }, ...children);
    case "bot_command": return make("button.command", { type: "button", "data-command": text }, ...children);
    case "spoiler": return make("span.spoiler", { role: "button", tabindex: "0" }, ...children);
    default: return make("span", { class: entity.type }, ...children);
  }
}

/** Nested elements for a part of the text; `entities` all lie inside it. */
function pieces(text, start, end, entities) {
  const result = [];
  let at = start;
  while (entities.length) {
    const [outer, ...rest] = entities;
    const stop = Math.min(end, outer.offset + outer.length);
    const inner = rest.filter((entity) => entity.offset < stop);
    entities = rest.filter((entity) => entity.offset >= stop);
    // A block begins and ends its own line, so one line break on either side is not shown again.
    const isBlock = BLOCKS.has(outer.type);
    const before = text.slice(at, outer.offset);
    result.push(isBlock ? before.replace(/\n$/, "") : before, wrap(outer, text.slice(outer.offset, stop), pieces(text, outer.offset, stop, inner)));
    at = isBlock && text[stop] === "\n" && stop < end ? stop + 1 : stop;
  }
  result.push(text.slice(at, end));
  return result.filter((piece) => piece !== "");
}

export function richText(text, entities = []) {
  const sorted = [...entities].sort((a, b) => a.offset - b.offset || b.length - a.length);
  return pieces(text, 0, text.length, sorted);
}

function sizeOf(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 1024 * 1024 ? `${(bytes / 1024).toFixed(1)} KB` : `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}

/** A PDF opens beside the chat, other files are saved. */
function fileRow(file) {
  const opens = file.mime_type === "application/pdf";
  const how = opens ? { target: "_blank" } : { download: file.file_name };
  const kind = /\.(\w{1,4})$/.exec(file.file_name)?.[1];
  return make("a.file", { href: `/media/${file.file_id}`, ...how, "data-file": file.file_name },
    make(opens ? "span.file-icon.pdf" : "span.file-icon", {}, opens ? make("b", {}, kind?.toUpperCase() ?? "PDF") : icon("file")),
    make("span.file-name", {}, make("strong", {}, file.file_name), make("small", {}, `${sizeOf(file.file_size)} · ${opens ? words.open : words.download}`)));
}

/** The card of an invoice; what it asks for, in Stars. */
function invoiceCard(invoice) {
  return make("div.invoice", {},
    make("strong", {}, invoice.title),
    make("span", {}, invoice.description),
    make("span.stars", {}, icon("star"), invoice.total_amount.toLocaleString()));
}

/** A line in the middle of the chat that nobody wrote; nothing for other messages. */
function serviceLine(message) {
  const moved = message.successful_payment ?? message.refunded_payment;
  if (!moved) return null;
  return [message.successful_payment ? words.stars_paid : words.stars_back, icon("star"), moved.total_amount.toLocaleString()];
}

function photo(sizes) {
  const largest = sizes[sizes.length - 1];
  const url = `/media/${largest.file_id}`;
  return make("a.photo", { href: url, target: "_blank" }, make("img", { src: url, alt: "", width: largest.width, height: largest.height, loading: "lazy" }));
}

function inlineButton(button) {
  const style = { "data-style": button.style, "data-button": button.text };
  if (button.pay) return make("button.pay", { ...style, type: "button", "data-pay": "" }, make("span", {}, ...(button.stars ? [button.text, icon("star"), button.stars] : [button.text])));
  const slug = /^https?:\/\/(?:t|telegram)\.me\/\$([\w-]+)$/i.exec(button.url ?? "")?.[1];
  if (slug) return make("button.pay", { ...style, type: "button", "data-invoice": slug }, button.text);
  const shared = button.url && sharedBy(button.url);
  if (shared) return make("button", { ...style, type: "button", "data-copy": shared }, button.text);
  if (button.url) return make("a.link", { ...style, href: hrefOf(button.url), target: "_blank", rel: "noopener" }, button.text);
  if (button.copy_text) return make("button", { ...style, type: "button", "data-copy": button.copy_text.text }, button.text);
  return make("button", { ...style, type: "button", "data-callback": button.callback_data }, button.text);
}

function timeOf(seconds) {
  return new Date(seconds * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false });
}

function quoted(message) {
  const text = message.text || message.caption || message.document?.file_name || "…";
  return make("div.quote", {}, make("b", {}, message.from?.first_name || ""), make("span", {}, text));
}

/** One message; `me` is the id of the person who looks. */
export function messageElement(message, me, isGroup) {
  const sender = message.from;
  const service = serviceLine(message);
  if (service) return make("article.message.service", { "data-message-id": String(message.message_id), "data-from": "service", "data-sender": "service" }, ...service);
  const from = sender?.id === me ? "me" : sender && !sender.is_bot ? "other" : "bot";
  const bubble = make("div.bubble");
  if (isGroup && from !== "me" && sender) bubble.append(make(`span.sender.hue-${[6, 28, 146, 172, 205, 262, 330][sender.id % 7]}`, {}, sender.first_name));
  if (message.reply_to_message) bubble.append(quoted(message.reply_to_message));
  if (message.photo) bubble.append(photo(message.photo));
  if (message.document) bubble.append(fileRow(message.document));
  if (message.invoice) bubble.append(invoiceCard(message.invoice));
  const text = message.text ?? message.caption;
  const entities = message.entities ?? message.caption_entities;
  const meta = make("span.meta", {}, `${message.edit_date ? `${words.edited} ` : ""}${timeOf(message.date)}`);
  const body = make("div.text", {}, ...(text ? richText(text, entities) : []), meta);
  bubble.append(body);
  const element = make("article.message", { "data-message-id": String(message.message_id), "data-from": from, "data-sender": String(sender?.id ?? "channel") }, bubble);
  const payRow = [{ text: words.stars_pay, stars: message.invoice?.total_amount.toLocaleString(), pay: true }];
  for (const row of message.reply_markup?.inline_keyboard ?? (message.invoice ? [payRow] : [])) {
    element.append(make("div.inline-row", {}, ...row.map(inlineButton)));
  }
  return element;
}
