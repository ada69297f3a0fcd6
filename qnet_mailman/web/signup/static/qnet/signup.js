// SPDX-License-Identifier: GPL-3.0-or-later
//
// What the sign-up page gains where scripts run: tabs as the ARIA Authoring Practices
// describe them, a search that works while one types, and a count of what is ticked.
// Everything works without it.
'use strict';

(function () {
  const root = document.querySelector('.qnet-tabs');
  if (!root) {
    return;
  }
  const boxes = Array.from(root.querySelectorAll('input[type=checkbox]'));

  // Tabs.  The arrow keys move to the next tab and open it.
  const bar = root.querySelector('.nav-tabs');
  const tabs = Array.from(bar.querySelectorAll('a'));
  const panel = (tab) => document.getElementById(tab.hash.slice(1));

  function open(tab) {
    for (const each of tabs) {
      const chosen = each === tab;
      each.classList.toggle('active', chosen);
      each.setAttribute('aria-selected', String(chosen));
      each.tabIndex = chosen ? 0 : -1;
      panel(each).hidden = !chosen;
    }
  }

  function openFromAddress() {
    const tab = tabs.find((each) => each.hash === location.hash);
    if (tab) {
      open(tab);
    }
    return tab;
  }

  bar.setAttribute('role', 'tablist');
  for (const item of bar.children) {
    item.setAttribute('role', 'presentation');
  }
  for (const tab of tabs) {
    tab.setAttribute('role', 'tab');
    tab.setAttribute('aria-controls', tab.hash.slice(1));
    panel(tab).setAttribute('role', 'tabpanel');
    panel(tab).setAttribute('aria-labelledby', tab.id);
    tab.addEventListener('click', (event) => {
      event.preventDefault();
      open(tab);
      history.replaceState(null, '', tab.hash);
    });
  }
  bar.addEventListener('keydown', (event) => {
    const now = tabs.indexOf(document.activeElement);
    const next = {
      ArrowLeft: (now - 1 + tabs.length) % tabs.length,
      ArrowRight: (now + 1) % tabs.length,
      Home: 0,
      End: tabs.length - 1,
      ' ': now,
    }[event.key];
    if (now < 0 || next === undefined) {
      return;
    }
    event.preventDefault();
    tabs[next].focus();
    tabs[next].click();
  });
  window.addEventListener('hashchange', openFromAddress);
  if (!openFromAddress()) {
    open(tabs.find((tab) => tab.hash === '#' + root.dataset.first));
  }
  root.classList.add('is-enhanced');

  // The count of what is ticked, in both tabs.
  const chosen = document.getElementById('chosen');

  function count() {
    const ticked = boxes.filter((box) => box.checked).length;
    chosen.textContent =
      ticked === 0 ? '' : ticked === 1 ? '1 list chosen.' : ticked + ' lists chosen.';
  }

  root.addEventListener('change', count);
  window.addEventListener('pageshow', count);

  // The search.  Without its name it is not sent, so the Enter key signs up.
  const search = document.getElementById('search');
  if (!search) {
    return;
  }
  const found = document.getElementById('found');
  const rows = boxes.map((box) => {
    const row = box.closest('.qnet-list');
    const text = (row.textContent + ' ' + box.value).toLowerCase();
    return { box, row, text, tab: tabs.find((tab) => panel(tab).contains(box)) };
  });
  let announce = 0;

  function filter() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const matches = new Map(tabs.map((tab) => [tab, 0]));
    for (const { box, row, text, tab } of rows) {
      const match = words.every((word) => text.includes(word));
      matches.set(tab, matches.get(tab) + match);
      // What is ticked is shown whatever is searched for.
      row.hidden = !match && !box.checked;
    }
    for (const group of root.querySelectorAll('.qnet-group')) {
      const shown = group.querySelectorAll('.qnet-list:not([hidden])').length;
      group.hidden = !shown;
      group.querySelector('.qnet-hits').textContent = shown;
    }
    for (const tab of tabs) {
      tab.querySelector('.qnet-hits').textContent = matches.get(tab);
    }
    // What was found is shown, in whichever tab it is.
    const opened = tabs.find((tab) => tab.getAttribute('aria-selected') === 'true');
    const hit = tabs.find((tab) => matches.get(tab));
    if (words.length && hit && !matches.get(opened)) {
      open(hit);
    }
    for (const tab of tabs) {
      const here = panel(tab);
      here.querySelector('.qnet-nothing').hidden =
        !here.querySelector('.qnet-list') ||
        here.querySelector('.qnet-list:not([hidden])') !== null;
    }
    const numbers = tabs.map((tab) => matches.get(tab) + ' ' + tab.hash.slice(1));
    // Screen readers are told once the typing has stopped.
    clearTimeout(announce);
    announce = setTimeout(() => {
      found.textContent = words.length ? 'Lists found: ' + numbers.join(', ') + '.' : '';
    }, 300);
  }

  search.removeAttribute('name');
  document.querySelector('input[name=searched]').remove();
  search.parentElement.querySelector('button').remove();
  search.addEventListener('input', filter);
  search.addEventListener('keydown', (event) => {
    if (event.key === 'Enter') {
      event.preventDefault();
    }
  });
  if (search.value) {
    filter();
  }
})();
