from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0004_signed_out_at'),
    ]

    operations = [
        migrations.AddField(
            model_name='user',
            name='is_placeholder',
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
    ]
