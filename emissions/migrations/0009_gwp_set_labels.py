from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("emissions", "0008_missing_on"),
    ]

    operations = [
        migrations.AlterField(
            model_name="emissionfactor",
            name="gwp_set",
            field=models.CharField(
                blank=True,
                choices=[("AR4", "AR4"), ("AR5", "AR5"), ("AR6", "AR6")],
                help_text="The IPCC report its GWPs are from; a refrigerant needs one.",
                max_length=3,
                verbose_name="GWP set",
            ),
        ),
        migrations.AlterField(
            model_name="historicalemissionfactor",
            name="gwp_set",
            field=models.CharField(
                blank=True,
                choices=[("AR4", "AR4"), ("AR5", "AR5"), ("AR6", "AR6")],
                help_text="The IPCC report its GWPs are from; a refrigerant needs one.",
                max_length=3,
                verbose_name="GWP set",
            ),
        ),
    ]
