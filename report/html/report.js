'use strict';
(() => {
const $ = (s, of = document) => of.querySelector(s);
const all = (s, of = document) => [...of.querySelectorAll(s)];
const form = $('#filter'), text = $('#text'), shown = $('#shown'), none = $('#none'), readout = $('#readout');
const buttons = all('button', form);

// What the filter looks at is what the page says: each row, its cluster and its target.
const clusters = all('#hosts section.cluster').map(node => ({node, rows: all('details.host', node)}));
const rows = [];
for (const c of clusters) {
  const where = c.node.dataset.in;
  c.rows = c.rows.map(node => {
    const row = {
      node, cluster: c, cell: null, on: true,
      status: node.classList[node.classList.length - 1], waived: 'waived' in node.dataset,
      host: !node.classList.contains('vch'), create: (node.dataset.create || '').split(' '),
      words: ([...node.firstElementChild.children].map(e => e.textContent).join(' ') + ' ' + where).toLowerCase(),
    };
    rows.push(row);
    return row;
  });
}
const hosts = rows.filter(r => r.host).length;
const byID = new Map(rows.map(r => [r.node.id, r]));
const links = all('.strip a');
for (const a of links) {
  const row = byID.get(a.hash.slice(1));
  if (row) row.cell = a;
}

const apply = () => {
  const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
  const pressed = buttons.filter(b => b.getAttribute('aria-pressed') === 'true');
  const wanted = new Set(pressed.map(b => b.dataset.status).filter(Boolean));
  const create = pressed.map(b => b.dataset.create).filter(Boolean);
  const waived = wanted.delete('waived');
  let count = 0, findings = 0;
  for (const c of clusters) {
    let left = 0, others = 0;
    for (const r of c.rows) {
      const on = (!wanted.size || wanted.has(r.status)) && (!waived || r.waived) && (!create.length || create.some(c => r.create.includes(c))) && words.every(w => r.words.includes(w));
      if (on && r.host) left++;
      if (on && !r.host) others++;
      if (on !== r.on) {
        r.on = on;
        r.node.hidden = !on;
        if (r.cell) r.cell.classList.toggle('off', !on);
      }
    }
    const empty = !left && !others && c.rows.length > 0;
    if (c.node.hidden !== empty) c.node.hidden = empty;
    count += left;
    findings += others;
  }
  shown.textContent = count === hosts ? `${hosts} host${hosts === 1 ? '' : 's'}` : `${count} of ${hosts} hosts`;
  if (rows.length > hosts) shown.textContent += `, ${findings} of ${rows.length - hosts} results about the virtual container host`;
  none.hidden = count + findings > 0 || !rows.length;
};
let asked = 0;
const soon = () => {
  cancelAnimationFrame(asked);
  asked = requestAnimationFrame(apply);
};
const clear = () => {
  text.value = '';
  for (const b of buttons) b.setAttribute('aria-pressed', 'false');
  apply();
};

text.addEventListener('input', soon);
form.addEventListener('submit', e => e.preventDefault());
for (const b of buttons) b.addEventListener('click', () => {
  b.setAttribute('aria-pressed', b.getAttribute('aria-pressed') !== 'true');
  apply();
});

// A host that is like another gets the other's case when it is opened, so that the
// file has each but once.
const fill = details => {
  const like = $('.like', details);
  const from = like && document.getElementById($('a', like).hash.slice(1));
  if (!from) return;
  const copy = from.cloneNode(true);
  copy.removeAttribute('id');
  like.replaceWith(copy);
};
document.addEventListener('toggle', e => {
  if (e.target.open && e.target.matches('details.host')) fill(e.target);
}, true);

const open = id => {
  const row = byID.get(id);
  if (!row) return false;
  if (!row.on) clear();
  fill(row.node);
  row.node.open = true;
  row.node.firstElementChild.focus({preventScroll: true});
  row.node.scrollIntoView({block: 'center'});
  return true;
};
const atHash = () => open(location.hash.slice(1));
addEventListener('hashchange', atHash);

// The heat map is one stop of the Tab key; arrows move inside, from row to row of
// clusters, and from one target's grid into the next.
const strips = all('.strip').map(s => all('a', s)).filter(s => s.length);
let current = links[0];
for (const a of links) if (a !== current) a.tabIndex = -1;
const tell = a => {
  const row = byID.get(a.hash.slice(1));
  if (!row) return;
  const [, name, ruleset, probe, why] = [...row.node.firstElementChild.children].map(e => e.textContent.trim());
  readout.textContent = [name, row.status, ruleset, probe, why].filter(Boolean).join(' · ');
};
const go = a => {
  if (!a) return;
  current.tabIndex = -1;
  current = a;
  a.tabIndex = 0;
  a.focus();
};
const heat = $('.heat');
heat.addEventListener('focusin', e => {
  if (!e.target.matches('.strip a')) return;
  current.tabIndex = -1;
  current = e.target;
  current.tabIndex = 0;
  tell(current);
});
heat.addEventListener('pointerover', e => {
  const a = e.target.closest('.strip a');
  if (a) tell(a);
});
const jump = (e, a) => {
  e.preventDefault();
  history.replaceState(null, '', a.hash);
  open(a.hash.slice(1));
};
heat.addEventListener('click', e => {
  const a = e.target.closest('.strip a');
  if (a && !e.ctrlKey && !e.metaKey && !e.shiftKey) jump(e, a);
});
heat.addEventListener('keydown', e => {
  if (!e.target.matches('.strip a') || e.altKey || e.metaKey) return;
  if (e.key === 'Enter' && !e.ctrlKey && !e.shiftKey) {
    // Left to the link, the same key would also fold the host that has the focus then.
    jump(e, e.target);
    return;
  }
  const row = strips.findIndex(s => s.includes(e.target)), col = strips[row].indexOf(e.target);
  const at = (r, c) => strips[r] && strips[r][Math.max(0, Math.min(c, strips[r].length - 1))];
  const to = {
    ArrowRight: () => strips[row][col + 1], ArrowLeft: () => strips[row][col - 1],
    ArrowDown: () => at(row + 1, col), ArrowUp: () => at(row - 1, col),
    Home: () => at(e.ctrlKey ? 0 : row, 0),
    End: () => at(e.ctrlKey ? strips.length - 1 : row, Infinity),
  }[e.key];
  if (!to) return;
  e.preventDefault();
  go(to());
});

document.addEventListener('keydown', e => {
  if (e.ctrlKey || e.metaKey || e.altKey) return;
  if (e.key === '/' && e.target !== text) {
    e.preventDefault();
    text.focus();
    text.select();
  } else if (e.key === 'Escape') {
    clear();
  }
});

// On paper nothing can be opened: what did not pass is.
let opened = [];
addEventListener('beforeprint', () => {
  opened = rows.filter(r => r.on && !['pass', 'skip'].includes(r.status)).map(r => r.node);
  opened = [...opened, ...all('.more, .todo > details')].filter(d => !d.open);
  for (const d of opened) d.open = true;
});
addEventListener('afterprint', () => {
  for (const d of opened) d.open = false;
});

form.hidden = false;
readout.hidden = !links.length;
if (links.length) readout.textContent = 'Point at a host, or move with the arrow keys; Enter opens it.';
apply();
atHash();
})();
