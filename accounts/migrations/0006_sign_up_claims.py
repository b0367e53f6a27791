from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0005_placeholders'),
    ]

    operations = [
        migrations.AddField(
            model_name='user',
            name='claim',
            field=models.CharField(editable=False, max_length=64, null=True),
        ),
        migrations.AddIndex(
            model_name='user',
            index=models.Index(condition=models.Q(('claim__isnull', False)), fields=['claim'], name='user_claim'),
        ),
    ]
