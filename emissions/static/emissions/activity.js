// An activity belongs to one category: where somebody chooses another category, the activity is open
// again, instead of being refused as one that the category does not know.
(() => {
  window.addEventListener("load", () => {
    const category = document.querySelector("select[name=category]");
    const activity = document.querySelector("select[name=activity]");
    if (!category || !activity) return;
    category.addEventListener("change", () => {
      activity.value = "";
      django.jQuery(activity).trigger("change"); // the searched select shows what jQuery is told
    });
  });
})();
