// How to use it: docs/scripts.md.
// <script src="/doorward.js" defer></script>
(() => {
	const { prefix = '/auth', warn = '60' } = document.currentScript?.dataset ?? {};
	const base = location.origin + prefix;
	// Two: a channel does not hear itself.
	const [mouth, ear] = [1, 2].map(() => new BroadcastChannel('doorward'));
	let heard = -1; // of a new token
	let end = 0; // of the session, if known
	let warned = false;
	/** @type {any} */
	let busy;

	/** @param {string} name @param {number} [detail] */
	const emit = (name, detail) => dispatchEvent(new CustomEvent('doorward:' + name, { detail }));

	/** @param {string} word to all tabs, this one too */
	const tell = (word) => {
		mouth.postMessage(word);
		return new Promise((done) => ear.addEventListener('message', done, { once: true }));
	};

	/** Asks how long the session lasts: no use of it. */
	const look = async (ask = fetch) => {
		const answer = await ask(base + '/session').catch(() => null);
		const said = await answer?.json().catch(() => ({ refresh: 1 }));
		if (answer?.ok)
			end = Date.now() + 1e3 * Math.min(said.idle_expires_in, said.absolute_expires_in);
		else if (end && answer?.status === 401 && !said.refresh) tell('signed-out');
	};

	ear.onmessage = ({ data }) => {
		emit(data);
		if (data === 'signed-out') return (end = 0);
		heard = performance.now();
		look();
	};

	/** @param {string} path */
	const post = async (path) => {
		const signal = AbortSignal.timeout?.(15e3);
		const { ok, status } = await fetch(base + path, { method: 'POST', signal });
		if (ok || status === 401) return ok;
		throw Error('doorward: ' + status);
	};

	/** False: sign-in is needed. Throws: nobody knows. */
	const refresh = (since = performance.now()) => {
		const work = async () => {
			if (heard >= since) return true;
			const ok = await post('/refresh');
			await tell(ok ? 'refreshed' : 'signed-out');
			return ok;
		};
		busy ??= (navigator.locks?.request('doorward', work) ?? work()).finally(() => (busy = null));
		return busy;
	};

	/** @type {typeof fetch} */
	const again = async (input, init) => {
		const request = new Request(input, init);
		const sentAt = performance.now();
		const answer = await fetch(request.clone());
		if (answer.status !== 401 || answer.type !== 'basic') return answer;
		const why = await answer.clone().json().catch(() => null);
		if (why?.error && !why.refresh) look();
		return (await (why?.refresh && refresh(sentAt))) ? fetch(request) : answer;
	};

	const signOut = () => post('/logout').then(() => tell('signed-out'));

	const signIn = () => open(`${base}/login?next=${prefix}/signed-in`, 'doorward', 'width=480');

	setInterval(() => {
		if (!end) return;
		const left = Math.max(0, Math.ceil((end - Date.now()) / 1e3));
		const soon = left <= +warn;
		if (warned) emit('idle', left);
		else if (soon) look();
		warned = soon;
		if (!left) end = 0;
	}, 1e3);
	addEventListener('visibilitychange', () => document.hidden || !end || look(again));
	look();

	Object.assign(self, { doorward: { fetch: again, refresh, signIn, signOut } });
})();
