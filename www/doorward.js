// Doorward in a page's own scripts: doorward.fetch() is fetch() that gets a new access token when
// the old one has expired, once for all tabs, and repeats the request once. No dependency.
// <script src="/doorward.js"></script>  (data-prefix="/auth" when the prefix is another)
(() => {
  'use strict';
  const prefix = document.currentScript?.dataset.prefix || '/auth';
  const channel = 'BroadcastChannel' in self ? new BroadcastChannel('doorward') : null;
  /** When this page last knew of a new access token, in ms. */
  let refreshedAt = 0;
  channel?.addEventListener('message', (event) => {
    if (event.data === 'refreshed') refreshedAt = Date.now();
    if (event.data === 'signed-out') dispatchEvent(new CustomEvent('doorward:signed-out'));
  });

  /** Runs work in one tab at a time. @param {() => Promise<boolean>} work */
  const alone = (work) =>
    navigator.locks ? navigator.locks.request('doorward-refresh', work) : work();

  /**
   * Gets a new access token, unless another tab got one since `since`.
   * @param {number} since ms; when the request that failed was sent
   * @returns {Promise<boolean>} false: sign-in is needed. Throws when the server cannot say.
   */
  const refresh = (since = Date.now()) =>
    alone(async () => {
      if (refreshedAt > since) return true;
      const answer = await fetch(prefix + '/refresh', { method: 'POST' });
      if (answer.ok) {
        refreshedAt = Date.now();
        channel?.postMessage('refreshed');
        return true;
      }
      if (answer.status !== 401) throw new Error('doorward: ' + answer.status);
      dispatchEvent(new CustomEvent('doorward:signed-out'));
      return false;
    });

  /** fetch(), repeated once after a refresh. @type {typeof fetch} */
  const doorwardFetch = async (input, init) => {
    const again = new Request(input, init);
    const sentAt = Date.now();
    const answer = await fetch(again.clone());
    if (answer.status !== 401) return answer;
    const { refresh: path } = await answer.clone().json().catch(() => ({}));
    return path && (await refresh(sentAt)) ? fetch(again) : answer;
  };

  /** Signs out here and tells the other tabs. */
  const signOut = async () => {
    const answer = await fetch(prefix + '/logout', { method: 'POST' });
    if (!answer.ok) throw new Error('doorward: ' + answer.status);
    channel?.postMessage('signed-out');
    dispatchEvent(new CustomEvent('doorward:signed-out'));
  };

  self.doorward = { fetch: doorwardFetch, refresh, signOut };
})();
