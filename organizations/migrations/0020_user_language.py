from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("organizations", "0019_last_write"),
    ]

    operations = [
        migrations.AddField(
            model_name="user",
            name="language",
            field=models.CharField(
                choices=[("en", "English"), ("es", "Español")],
                db_default="en",
                default="en",
                help_text="Of the admin's pages; the API is English.",
                max_length=2,
            ),
        ),
    ]
