/* SPDX-License-Identifier: Apache-2.0 */
/* Sorts and filters tables, and shows what a mark of a figure stands for. The page can be read without it. */
'use strict';
(() => {
	const make = (tag, properties) => Object.assign(document.createElement(tag), properties);

	// --- tables: the columns sort, within the lines ---
	const number = (text) => {
		const value = parseFloat(text.replace(/^\[/, '').replace(/^p\s*</, ''));
		return Number.isNaN(value) ? null : value;
	};
	const compare = (a, b, sign) => {
		const x = number(a), y = number(b);
		if (x !== null && y !== null)
			return sign * (x - y);
		if ((x === null) !== (y === null) && (a === '—' || b === '—' || a === '' || b === ''))
			return x === null ? 1 : -1;
		return sign * a.localeCompare(b, 'en');
	};
	const sort = (table, column, descending) => {
		for (const body of table.tBodies) {
			const rows = [...body.rows].map((row) => [row.cells[column].textContent.trim(), row]);
			rows.sort((a, b) => compare(a[0], b[0], descending ? -1 : 1));
			body.append(...rows.map((row) => row[1]));
		}
		[...table.tHead.rows[0].cells].forEach((cell, k) => {
			if (k === column)
				cell.setAttribute('aria-sort', descending ? 'descending' : 'ascending');
			else
				cell.removeAttribute('aria-sort');
		});
	};
	const makeSortable = (table) => {
		[...table.tHead.rows[0].cells].forEach((cell, column) => {
			const button = make('button', { type: 'button', textContent: cell.textContent });
			button.addEventListener('click', () =>
				sort(table, column, cell.getAttribute('aria-sort') === 'ascending'));
			cell.replaceChildren(button);
		});
	};
	const makeFilter = (table) => {
		const input = make('input', { type: 'search', id: 'filter' });
		const label = make('label', { htmlFor: 'filter', textContent: 'Show variants with' });
		const count = make('span', { className: 'muted' });
		const box = make('div', { className: 'filter' });
		count.setAttribute('aria-live', 'polite');
		input.addEventListener('input', () => {
			const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
			let shown = 0;
			const rows = [...table.tBodies].flatMap((body) => [...body.rows]);
			for (const row of rows) {
				const text = row.textContent.toLowerCase();
				row.hidden = !words.every((word) => text.includes(word));
				shown += !row.hidden;
			}
			count.textContent = words.length ? `${shown} of ${rows.length} rows` : '';
		});
		box.append(label, input, count);
		table.closest('.scroll').before(box);
	};
	for (const table of document.querySelectorAll('table')) {
		if (table.tBodies[0].rows.length > 2 || table.tBodies.length > 1)
			makeSortable(table);
		if (table.dataset.name === 'summary' && !document.getElementById('filter'))
			makeFilter(table);
	}

	// --- figures: what a mark stands for, by pointer and by the arrow keys ---
	const tip = make('div', { id: 'tip', hidden: true });
	tip.setAttribute('role', 'status');
	document.body.append(tip);
	let at = null;
	const hide = () => {
		if (at)
			at.classList.remove('at');
		at = null;
		tip.hidden = true;
	};
	const show = (mark) => {
		const box = mark.getBoundingClientRect();
		hide();
		at = mark;
		at.classList.add('at');
		tip.textContent = mark.getAttribute('aria-label');
		tip.hidden = false;
		const x = Math.min(box.right + 8, document.documentElement.clientWidth - tip.offsetWidth - 4);
		const y = box.bottom + 8 + tip.offsetHeight > window.innerHeight ? box.top - 8 - tip.offsetHeight : box.bottom + 8;
		tip.style.left = `${Math.max(4, x)}px`;
		tip.style.top = `${Math.max(4, y)}px`;
	};
	for (const figure of document.querySelectorAll('svg.fv-figure')) {
		const marks = [];
		for (const title of figure.querySelectorAll('g > title')) {
			const mark = title.parentNode;
			mark.setAttribute('aria-label', title.textContent);
			title.remove();
			marks.push(mark);
			mark.addEventListener('pointerenter', () => show(mark));
			mark.addEventListener('pointerleave', hide);
		}
		if (!marks.length)
			continue;
		figure.setAttribute('tabindex', '0');
		figure.addEventListener('keydown', (event) => {
			const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
			if (event.key === 'Escape')
				hide();
			if (!step)
				return;
			event.preventDefault();
			const now = marks.indexOf(at);
			const next = marks[(now < 0 ? (step > 0 ? 0 : marks.length - 1) : now + step + marks.length) % marks.length];
			next.scrollIntoView({ block: 'nearest', inline: 'nearest' });
			show(next);
		});
		figure.addEventListener('blur', hide);
	}
	document.addEventListener('scroll', hide, { capture: true, passive: true });

	// --- the paragraph on methods ---
	const methods = document.getElementById('methods-text');
	if (methods && navigator.clipboard) {
		const button = make('button', { type: 'button', className: 'copy', textContent: 'Copy the text' });
		button.addEventListener('click', () => navigator.clipboard.writeText(methods.textContent)
			.then(() => { button.textContent = 'Copied'; }, () => { button.textContent = 'Not allowed by the browser'; }));
		methods.before(button);
	}
})();
