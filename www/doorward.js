// doorward.fetch() is fetch() that gets a new access token when the old one has expired, once for
// all tabs, and repeats the request once. doorward:signed-out on window: the session is over.
// <script src="/doorward.js" defer></script>, with data-prefix="/sso" if the prefix is not /auth
(() => {
  'use strict';
  const base = location.origin + (document.currentScript?.dataset.prefix ?? '/auth');
  /** Reasons of a 401 that end a session. */
  const over = /^(session_ended|version_superseded|(idle|absolute)_timeout|user_disabled)$/;
  // Two, since a channel does not hear itself.
  const mouth = new BroadcastChannel('doorward');
  const ear = new BroadcastChannel('doorward');
  /** When we last heard of a new access token. */
  let refreshedAt = -1;
  /** @type {Promise<boolean> | null} */
  let refreshing = null;

  ear.addEventListener('message', ({ data }) => {
    if (data === 'refreshed') refreshedAt = performance.now();
    if (data === 'signed-out') dispatchEvent(new CustomEvent('doorward:signed-out'));
  });

  /**
   * Tells all tabs, this one too; after the echo, who gets the lock next knows it as well.
   * @param {'refreshed' | 'signed-out'} word
   */
  const tell = (word) =>
    new Promise((resolve) => {
      ear.addEventListener('message', resolve, { once: true });
      mouth.postMessage(word);
    });

  /** @param {string} path */
  const post = (path) =>
    fetch(base + path, { method: 'POST', signal: AbortSignal.timeout?.(15000) });

  /** @param {number} since */
  const refreshAlone = async (since) => {
    if (refreshedAt >= since) return true;
    const answer = await post('/refresh');
    if (!answer.ok && answer.status !== 401) throw new Error(`doorward: ${answer.status}`);
    await tell(answer.ok ? 'refreshed' : 'signed-out');
    return answer.ok;
  };

  /**
   * Gets a new access token unless one came after `since`.
   * @returns {Promise<boolean>} false: sign-in is needed. Throws when the server cannot say.
   */
  const refresh = async (since = performance.now()) => {
    const work = () => refreshAlone(since);
    refreshing ??= Promise.resolve(navigator.locks?.request('doorward', work) ?? work());
    try {
      return await refreshing;
    } finally {
      refreshing = null;
    }
  };

  /** @type {typeof fetch} */
  const doorwardFetch = async (input, init) => {
    const again = new Request(input, init);
    const sentAt = performance.now();
    const answer = await fetch(again.clone());
    if (answer.status !== 401 || answer.type !== 'basic') return answer;
    const why = await answer.clone().json().catch(() => null);
    if (over.test(why?.error)) await tell('signed-out');
    return why?.refresh && (await refresh(sentAt)) ? fetch(again) : answer;
  };

  /** Signs out and tells all tabs. */
  const signOut = async () => {
    const answer = await post('/logout');
    if (!answer.ok) throw new Error(`doorward: ${answer.status}`);
    await tell('signed-out');
  };

  Object.assign(self, { doorward: { fetch: doorwardFetch, refresh, signOut } });
})();
