// Tells the admin the browser's time zone, so that moments are shown in it.
(() => {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone) document.cookie = `timezone=${zone}; path=/admin/; max-age=31536000; samesite=lax`;
})();
