/** Keep the screen on while the page is visible; returns how to let it sleep again. */
export function stayAwake(): () => void {
  let lock: WakeLockSentinel | null = null;
  let done = false;
  const take = async () => {
    if (done || document.visibilityState !== 'visible' || !('wakeLock' in navigator)) return;
    try {
      lock = await navigator.wakeLock.request('screen');
      if (done) await lock.release();
    } catch {
      lock = null; // low battery or not allowed: nothing to be done about it
    }
  };
  const again = () => void take();
  document.addEventListener('visibilitychange', again); // the browser drops the lock with the tab
  void take();
  return () => {
    done = true;
    document.removeEventListener('visibilitychange', again);
    void lock?.release();
  };
}
