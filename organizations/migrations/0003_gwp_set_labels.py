from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("organizations", "0002_import"),
    ]

    operations = [
        migrations.AlterField(
            model_name="organization",
            name="gwp_set",
            field=models.CharField(
                choices=[("AR4", "AR4"), ("AR5", "AR5"), ("AR6", "AR6")],
                default="AR6",
                help_text="The IPCC report whose 100-year GWPs its refrigerants are computed with.",
                max_length=3,
                verbose_name="GWP set",
            ),
        ),
    ]
